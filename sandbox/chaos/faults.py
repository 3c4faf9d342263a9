"""Faults of the API: which call is struck, and what becomes of its answer."""

from __future__ import annotations

from flask import Response, g, request

from sandbox.chaos import switches, wire
from sandbox.errors import ApiError

# Stripe's docs, "Rate limits": a library repeats a call only after a lock timeout. A 500 that was
# kept would only be repeated by the same key, so that is not worth another call.
HEADERS = {
    "500_kept": {"Stripe-Should-Retry": "false"},
    "rate_limit": {"Stripe-Should-Retry": "false", "Stripe-Rate-Limited-Reason": "endpoint-rate"},
    "lock_timeout": {"Stripe-Should-Retry": "true"},
}


def strike() -> None:
    """Before a call is answered: raise the ApiError of the fault that hits it, if one does."""
    if not request.path.startswith("/v1/") or request.method == "OPTIONS":
        return
    fault = _drawn()
    if fault is None:
        return
    g.fault = fault
    if fault.answer == "500_kept":
        # Raised where the endpoint begins to execute: from there on results are kept.
        g.breaks_off = broken()
    elif fault.answer == "500":
        raise broken()
    elif fault.answer in ("rate_limit", "lock_timeout"):
        raise busy(fault.answer)
    elif fault.answer == "timeout":
        # Nobody reads it.
        raise broken()


def _drawn() -> switches.Fault | None:
    chaos = switches.load()
    fitting = [one for one in chaos.faults if one.is_on and one.fits(request.method, request.path)]
    hit = None
    for fault in fitting:
        fault.seen += 1
        if chaos.hits(f"fault {fault.id}", fault.percent):
            fault.done += 1
            hit = fault
            break
    if fitting:
        switches.save(chaos)
    return hit


def send(response: Response) -> Response:
    """The answer, once its transaction is committed: late, or never, when a fault says so."""
    fault = g.get("fault")
    if fault is None:
        return response
    response.headers.update(HEADERS.get(fault.answer, {}))
    line = wire.of(request.environ)
    if fault.answer in switches.SLOW:
        line.hold(fault.seconds)
    if fault.answer in ("timeout", "lost"):
        line.cut()
    return response


def broken() -> ApiError:
    """Stripe's answer when something is wrong with Stripe."""
    return ApiError(
        500,
        "An unknown error occurred. Try the request again, or contact us at "
        "https://support.stripe.com/ if it goes on.",
        type="api_error",
    )


def busy(code: str) -> ApiError:
    """Stripe's 429: too many requests, or another one holds the object."""
    message = (
        "Request rate limit exceeded. Learn more about rate limits at "
        "https://docs.stripe.com/rate-limits."
        if code == "rate_limit"
        else "This object cannot be accessed right now because another API request or Stripe "
        "process is currently accessing it. If you see this error intermittently, retry the "
        "request. If you see this error frequently and are making multiple concurrent requests to "
        "a single object, make your requests serially or at a lower rate."
    )
    return ApiError(429, message, code=code)

"""The stand-in for Stripe.js: the script, the iframes it opens, and what those iframes ask.

The iframes are of the sandbox's own origin, so what they ask needs no CORS, and a card's number
goes from the iframe to the sandbox only.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, Response, current_app, render_template, request

from sandbox import cards
from sandbox.engine import paying
from sandbox.errors import ApiError
from sandbox.pages import intents
from sandbox.protocol import render

bp = Blueprint("elements", __name__)
Json = dict[str, Any]
NAMES = {"setup_intent": "setupIntent", "payment_intent": "paymentIntent"}


@bp.get("/stripe.js")
@bp.get("/v3/")
@bp.get("/<release>/stripe.js")
def script(release: str | None = None) -> Response:
    """Stripe.js, at the addresses the real one has: /v3/ and /<release>/stripe.js."""
    blueprint = current_app.blueprints["pages"]
    response = blueprint.send_static_file("stripe.js")
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["Cache-Control"] = "no-cache"
    return response


@bp.get("/elements/form")
def form() -> str:
    return render_template("sandbox/elements/form.html")


@bp.get("/elements/controller")
def controller() -> str:
    return render_template("sandbox/elements/controller.html")


def answers(task: Callable[[Json], Json]) -> Callable[[], Json]:
    """A JSON body in, Stripe.js' result out: {setupIntent}, {paymentIntent} or {error}."""

    @wraps(task)
    def view() -> Json:
        body = request.get_json()
        try:
            return task(body if isinstance(body, dict) else {})
        except ApiError as error:
            return {"error": error.body()["error"]}

    return view


@bp.post("/elements/retrieve")
@answers
def retrieve(body: Json) -> Json:
    return _shown(_intent(body))


@bp.post("/elements/abandon")
@answers
def abandon(body: Json) -> Json:
    """The buyer closed the bank's dialog."""
    return _shown(paying.complete_authentication(_intent(body), False))


@bp.post("/elements/confirm")
@answers
def confirm(body: Json) -> Json:
    intent = _intent(body)
    method = None
    if body.get("payment_method_data"):
        method = _method(body["payment_method_data"])
        _check_type(intent, method)
    elif body.get("payment_method"):
        method = cards.resolve(body["payment_method"])
    intent = intents.confirm(intent, method, None)
    error = intents.last_error(intent)
    if intent["status"] == "requires_payment_method" and error:
        return {"error": error | {intent["object"]: intents.public(intent)}}
    return _shown(intent)


@bp.post("/elements/payment-methods")
@answers
def create_payment_method(body: Json) -> Json:
    return {"paymentMethod": render(_method(body))}


def _intent(body: Json) -> Json:
    intent = intents.find(str(body.get("client_secret") or ""))
    if intent is None:
        raise ApiError(
            400,
            "The client_secret provided does not match any intent of this account.",
            code="resource_missing",
            param="client_secret",
        )
    return intent


def _shown(intent: Json) -> Json:
    return {NAMES[intent["object"]]: intents.public(intent)}


def _check_type(intent: Json, method: Json) -> None:
    if method["type"] not in intent["payment_method_types"]:
        raise ApiError(
            400,
            f"The payment method type `{method['type']}` is not one that this intent allows.",
            code="payment_method_not_available",
            param="payment_method_data",
        )


def _method(data: Json) -> Json:
    """A new payment method from what the iframe read; ApiError 402 for a number that is none."""
    kind = data.get("type", "card")
    typed = data.get(kind) or {}
    if kind == "card":
        return cards.create_payment_method(
            number=str(typed.get("number", "")),
            exp_month=int(typed.get("exp_month") or 0),
            exp_year=int(typed.get("exp_year") or 0),
            cvc=str(typed.get("cvc", "")),
            billing_details=data.get("billing_details"),
        )
    account = {name: str(value) for name, value in typed.items()}
    return cards.create_payment_method(kind, billing_details=data.get("billing_details"), **account)

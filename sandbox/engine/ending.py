"""Subscriptions that end: later, at a date, or now."""

from sandbox import clock
from sandbox.engine import collecting, items, proration
from sandbox.engine.closing import ENDED, end, expire
from sandbox.engine.drafts import Draft
from sandbox.errors import ApiError, missing
from sandbox.store import store

__all__ = ["ENDED", "cancel", "end", "end_on_schedule", "expire", "period_end"]


def period_end(entries: list[dict], which: str = "max_period_end") -> int:
    """When the last (or, for min_period_end, the first) item's current period ends."""
    ends = [item["current_period_end"] for item in entries]
    return min(ends) if which == "min_period_end" else max(ends)


def schedule_cancellation(
    subscription: dict, entries: list[dict], params: dict, *, new: bool = False
) -> None:
    """Set or take back the end that `cancel_at`, `cancel_at_period_end` ask for.

    `cancellation_details` (feedback, comment) are noted. ApiError 400 for both at once, or for a
    time in the past.
    """
    _note(subscription, params.get("cancellation_details"))
    at_end, at = params.get("cancel_at_period_end"), params.get("cancel_at")
    if at_end and at:
        raise ApiError(
            400,
            "You may only specify one of these parameters: cancel_at, cancel_at_period_end.",
            param="cancel_at",
        )
    if at_end:
        _will_end(subscription, period_end(entries), at_period_end=True)
    elif at:
        time = period_end(entries, at) if isinstance(at, str) else at
        if time <= clock.now():
            raise ApiError(
                400,
                "Invalid timestamp: must be an integer Unix timestamp in the future.",
                param="cancel_at",
            )
        _will_end(subscription, time, at_period_end=False)
        subscription["_prorate_end"] = params.get("proration_behavior") != "none"
    elif not new and (at == "" or (at_end is False and subscription["cancel_at_period_end"])):
        subscription.update(cancel_at=None, cancel_at_period_end=False, canceled_at=None)
        subscription["cancellation_details"]["reason"] = None


def _will_end(subscription: dict, at: int, *, at_period_end: bool) -> None:
    subscription.update(
        cancel_at=at,
        cancel_at_period_end=at_period_end,
        canceled_at=subscription["canceled_at"] or clock.now(),
    )
    subscription["cancellation_details"]["reason"] = "cancellation_requested"


def _note(subscription: dict, details: dict | None) -> None:
    for name in ("feedback", "comment"):
        if details and name in details:
            subscription["cancellation_details"][name] = details[name] or None


def cancel(subscription: dict, params: dict) -> dict:
    """The subscription, canceled now; with `prorate` its unused time is credited, with
    `invoice_now` pending items are billed. ApiError 404 when it has ended already."""
    if subscription["status"] in ENDED:
        raise missing("subscription", subscription["id"])
    customer = store.get("customer", subscription["customer"])
    entries = items.of(subscription)
    if params.get("prorate") and subscription["status"] not in ("trialing", "incomplete"):
        _credit(subscription, entries)
    if params.get("invoice_now"):
        _bill_pending(subscription, customer)
    _note(subscription, params.get("cancellation_details"))
    return end(store.get("subscription", subscription["id"]) | _noted(subscription))


def _noted(subscription: dict) -> dict:
    return {"cancellation_details": subscription["cancellation_details"]}


def _credit(subscription: dict, entries: list[dict]) -> None:
    for item in entries:
        proration.credit(item, subscription, clock.now())
        item["_billed"] = None
        store.save(item)


def _bill_pending(subscription: dict, customer: dict) -> None:
    draft = Draft(customer, subscription["currency"], "subscription_update", subscription)
    draft.add_pending()
    if draft.lines:
        collecting.issue(draft, off_session=True)


def end_on_schedule(subscription: dict) -> dict:
    """The subscription, ended at the time that was set; a period cut short is credited."""
    if subscription.get("_prorate_end") and subscription["status"] != "trialing":
        customer = store.get("customer", subscription["customer"])
        unused = [
            item
            for item in items.of(subscription)
            if (item.get("_billed") or {}).get("end", 0) > clock.now()
        ]
        if unused:
            _credit(subscription, unused)
            _bill_pending(subscription, customer)
    return end(store.get("subscription", subscription["id"]))

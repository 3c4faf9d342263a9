"""What became of a subscription: changed, cancelled, kept, ended, paused, resumed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from billing.facts import reminders
from billing.facts.telling import is_recent, observes, tell
from billing.price_changes import coming
from billing.sync import Written
from models import ENDED_STATUSES, Subscription

RUNNING = frozenset({"active", "trialing", "past_due"})


@observes("subscription")
def remind(written: Written) -> None:
    """`trial_will_end` and `invoice.upcoming` make us pull, so the reminders need not wait."""
    reminders.trial_ending(written.row)
    reminders.renewal_coming(written.row)


@observes("subscription")
def changed(written: Written) -> None:
    """Another plan, price or number of seats, from now on."""
    subscription: Subscription = written.row
    if subscription.status not in RUNNING or written.before.get("status") not in RUNNING:
        return
    old, new = _items(written.before["data"]), _items(subscription.data)
    if old == new or not old or not new:
        return
    (old_price, old_quantity), (new_price, new_quantity) = old[0], new[0]
    if old_quantity == new_quantity and coming.is_move(
        subscription.stripe_id, old_price, new_price
    ):
        # They were told before it began.
        return
    _tell(
        "plan_changed",
        subscription,
        f"v{subscription.version}",
        from_price=old[0][0],
        from_quantity=old[0][1],
        to_price=new[0][0],
        to_quantity=new[0][1],
    )


@observes("subscription")
def cancelled(written: Written) -> None:
    """It is set to end, or was and goes on after all."""
    subscription: Subscription = written.row
    before = written.before
    was_ending = _is_ending(before)
    if subscription.is_ending and not was_ending and is_recent(subscription.canceled_at):
        _tell("cancelled", subscription, _stamp(subscription.canceled_at))
    kept = was_ending and subscription.is_live and not subscription.is_ending
    if kept and before["status"] not in ENDED_STATUSES:
        _tell("cancellation_undone", subscription, _stamp(before["canceled_at"]))


@observes("subscription")
def ended(written: Written) -> None:
    """It is over. An order that was never paid has not begun, so its end is no news."""
    subscription: Subscription = written.row
    over = subscription.status == "canceled" and written.before.get("status") != "canceled"
    if over and is_recent(subscription.ended_at):
        _tell("ended", subscription, _stamp(subscription.ended_at))


@observes("subscription")
def paused(written: Written) -> None:
    """It rests, or runs again."""
    subscription: Subscription = written.row
    if written.is_new:
        return
    was, rests = _is_paused(written.before), _is_paused(_columns(subscription))
    if rests and not was:
        _tell("paused", subscription, f"v{subscription.version}")
    elif was and not rests and subscription.status in RUNNING:
        _tell("resumed", subscription, f"v{subscription.version}")


def _tell(kind: str, subscription: Subscription, which: str, **payload: Any) -> None:
    # `which` is Stripe's own time of the fact, or, where it keeps none, the write that showed it.
    tell(
        kind,
        f"{kind}:{subscription.stripe_id}:{which}",
        subscription.customer_id,
        subscription_id=subscription.stripe_id,
        **payload,
    )


def _columns(subscription: Subscription) -> dict[str, Any]:
    return {
        "status": subscription.status,
        "pause_collection": subscription.pause_collection,
    }


def _is_paused(values: Mapping[str, Any]) -> bool:
    live = values["status"] not in ENDED_STATUSES
    return values["status"] == "paused" or (live and bool(values["pause_collection"]))


def _is_ending(values: Mapping[str, Any]) -> bool:
    return bool(values.get("cancel_at") or values.get("cancel_at_period_end"))


def _items(data: Mapping[str, Any]) -> list[tuple[str, int | None]]:
    """Price and quantity of each item, in Stripe's order."""
    return [(item["price"]["id"], item.get("quantity")) for item in data["items"]["data"]]


def _stamp(moment: datetime | None) -> str:
    return f"{moment:%Y%m%dT%H%M%S}" if moment else "?"

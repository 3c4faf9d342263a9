"""A change of plan or seats that was set down for later."""

from __future__ import annotations

from typing import Any

from billing.clock import now
from billing.facts.telling import is_recent, observes, tell
from billing.price_changes import coming
from billing.sync import Written
from models import Subscription, SubscriptionSchedule, db


@observes("subscription_schedule")
def set_down(written: Written) -> None:
    """Told when it is set down; taking effect is told again, by the subscription's own change."""
    schedule: SubscriptionSchedule = written.row
    phase = schedule.next_phase(now())
    if phase is None or not phase["items"] or written.before.get("phases") == schedule.phases:
        return
    if written.is_new and not is_recent(schedule.created):
        return
    subscription = db.session.get(Subscription, schedule.subscription_id or "")
    item = subscription.item if subscription else None
    price_id, quantity = _wanted(phase)
    if item is None or (item.price_id, item.quantity) == (price_id, quantity):
        return
    if item.quantity == quantity and coming.is_move(
        schedule.subscription_id, item.price_id, price_id
    ):
        # The operator's change of the price is told in a mail of its own, on its own day.
        return
    tell(
        "plan_change_scheduled",
        f"plan_change_scheduled:{schedule.stripe_id}:{phase['start_date']}:{price_id}:{quantity}",
        schedule.customer_id,
        subscription_id=schedule.subscription_id,
        on=phase["start_date"],
        to_price=price_id,
        to_quantity=quantity,
    )


def _wanted(phase: dict[str, Any]) -> tuple[str, int | None]:
    item = phase["items"][0]
    price = item["price"]
    return price["id"] if isinstance(price, dict) else price, item.get("quantity")

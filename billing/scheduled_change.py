"""A change that waits for the end of the period: set down, replaced, taken back."""

from __future__ import annotations

from typing import Any

from billing import outcome, sync
from billing.audit import record
from billing.clock import now
from billing.errors import GoneFromStripe, InvalidRequest, Refused
from billing.gateway import scheduled_change as gateway
from billing.price_changes import coming
from billing.pricing import Cadence, billed_quantity
from models import Price, Quote, Subscription, db


def create(subscription: Subscription, quote: Quote) -> None:
    """Has the quoted change made when the period ends, in place of any that was waiting."""
    item = subscription.item
    price = db.session.get(Price, quote.to_price_id)
    if item is None or price is None:
        raise Refused("The plan you chose is no longer there. Nothing was changed.")
    held = subscription.schedule
    if held is not None and held.is_live:
        schedule = gateway.retrieve(held.stripe_id)
    else:
        schedule = gateway.attach(subscription.stripe_id, idempotency_key=f"{quote.id}-schedule")
    cadence = Cadence.of(price)
    following = gateway.NextPhase(
        from_price_id=item.price_id,
        to_price_id=coming.price_at(subscription, price.stripe_id, quote.effective_at),
        quantity=billed_quantity(price, quote.to_quantity),
        interval=cadence.interval,
        interval_count=cadence.count,
        starts_at=int(quote.effective_at.timestamp()),
        promotion_code=quote.promotion_code_id,
    )
    gateway.replace_next_phase(schedule, following, idempotency_key=f"{quote.id}-phases")
    sync.pull("subscription_schedule", schedule.id)


def _is_over(schedule_id: str) -> bool:
    return not sync.pull("subscription_schedule", schedule_id).is_live


def undo(subscription: Subscription, *, account_id: int | None = None) -> bool:
    """Drops whatever was to come; False when nothing was.

    `account_id` is for the audit log when staff do it, who belong to no account.
    """
    held = subscription.schedule
    if held is None or not held.is_live:
        return False
    try:
        with outcome.told_by(lambda: _is_over(held.stripe_id)):
            gateway.release(held.stripe_id)
    except (InvalidRequest, GoneFromStripe):
        # Released or completed in the meantime: what follows finds out which.
        sync.pull("subscription", subscription.stripe_id)
        sync.pull("subscription_schedule", held.stripe_id)
        return False
    record("scheduled_change.undone", subscription.stripe_id, account_id=account_id)
    db.session.commit()
    sync.pull("subscription_schedule", held.stripe_id)
    sync.pull("subscription", subscription.stripe_id)
    return True


def stands_in_the_way(subscription: Subscription) -> bool:
    """Whether a live schedule has more to do than to move the subscription to a new price.

    A schedule that only moves it can be let go, as the mover sets the move down anew.
    """
    held = subscription.schedule
    if held is None or not held.is_live:
        return False
    return held.end_behavior != "release" or not all(
        _is_but_a_move(subscription, phase)
        for phase in held.phases
        if phase["start_date"] > now().timestamp()
    )


def _is_but_a_move(subscription: Subscription, phase: dict[str, Any]) -> bool:
    present = subscription.item
    if present is None or len(phase["items"]) != 1:
        return False
    (item,) = phase["items"]
    price = item["price"] if isinstance(item["price"], str) else item["price"]["id"]
    return item.get("quantity") == present.quantity and coming.is_move(
        subscription.stripe_id, present.price_id, price
    )


def make_way(subscription_id: str) -> None:
    """Lets a schedule go that does nothing but move the subscription to a new price.

    What it would have overwritten, such as discounts, is then part of the move that is set down
    anew. Nothing where there is no such schedule.
    """
    subscription = db.session.get_one(Subscription, subscription_id)
    held = subscription.schedule
    if held is None or not held.is_live or stands_in_the_way(subscription):
        return
    schedule_id = held.stripe_id
    db.session.commit()
    try:
        with outcome.told_by(lambda: _is_over(schedule_id)):
            gateway.release(schedule_id)
    except (InvalidRequest, GoneFromStripe):
        # It was over by then.
        pass
    sync.pull("subscription_schedule", schedule_id)

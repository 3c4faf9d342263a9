"""Changing plan, interval or seats: which change is meant, and what stands in its way."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from billing.clock import now
from billing.price_changes import coming
from billing.pricing import Cadence, Change, change, price_for
from billing.standing import scheduled_change
from models import Invoice, Price, Product, Quote, Subscription, db


@dataclass(frozen=True)
class Obstacle:
    """Why a change cannot be made now. `kind` picks the words in the template.

    One of: confirming (another change waits for the bank), owes, paused, unknown, ending,
    renewing (its period is over and the next has not begun), no_path (staff do not let this plan
    be changed to that one), not_sold, same, already_scheduled.
    """

    kind: str
    invoice: Invoice | None = None


def wanted(
    subscription: Subscription, plan: Product, interval: str | None, seats: int
) -> Change | None:
    """The change to `plan`, at its price for that interval; None where it has none.

    `interval` is a cadence's key, such as "month"; without one the subscription's own is kept.
    """
    if subscription.price is None:
        return None
    current = Cadence.of(subscription.price)
    offered = {Cadence.of(p) for p in plan.prices if p.active and p.is_recurring}
    cadence = next((c for c in offered if c.key == interval), current)
    price = price_for(plan, cadence, subscription.currency)
    return change(subscription, price, seats) if price else None


def obstacle(subscription: Subscription, wanted: Change | None) -> Obstacle | None:
    """What stands in the way of the change, from the mirror; None when nothing does.

    `wanted` is None when the plan is not sold at that interval in the subscription's currency.
    """
    if subscription.data.get("pending_update"):
        return Obstacle("confirming")
    if subscription.status in {"past_due", "unpaid", "incomplete"}:
        return Obstacle("owes", open_invoice(subscription))
    if subscription.status == "paused" or subscription.pause_collection:
        return Obstacle("paused")
    if subscription.status not in {"active", "trialing"} or subscription.item is None:
        return Obstacle("unknown")
    if subscription.is_ending:
        return Obstacle("ending")
    if is_between_periods(subscription):
        return Obstacle("renewing")
    if wanted is None:
        return Obstacle("not_sold")
    if not has_path(subscription, wanted.price.product):
        return Obstacle("no_path")
    if is_current(subscription, wanted.price, wanted.quantity):
        return Obstacle("same")
    if is_scheduled(subscription, wanted.price.stripe_id, wanted.quantity):
        return Obstacle("already_scheduled")
    return None


def has_path(subscription: Subscription, plan: Product | None) -> bool:
    """Whether the subscriber's plan may be changed to `plan`, by the plans' own paths."""
    held = subscription.plan
    return held is None or plan is None or held.can_change_to(plan)


def is_between_periods(subscription: Subscription) -> bool:
    """Whether the period that we know of is over: it renews right now, or we have not heard."""
    ends = subscription.current_period_end
    return ends is not None and ends <= now()


def is_current(subscription: Subscription, price: Price, quantity: int) -> bool:
    """Whether the subscription is on that plan at that interval with that many seats already."""
    return is_same_plan(subscription, price) and subscription.quantity == quantity


def is_same_plan(subscription: Subscription, price: Price) -> bool:
    """Whether the subscription is on that plan at that interval already.

    Prices come and go; who is on an older price of the same plan is on that plan.
    """
    held = subscription.price
    return (
        held is not None
        and held.product_id == price.product_id
        and Cadence.of(held) == Cadence.of(price)
    )


def is_scheduled(subscription: Subscription, price_id: str, quantity: int) -> bool:
    """Whether exactly this is what the subscription changes to when its period ends."""
    found = scheduled_change(subscription, now())
    return bool(
        found
        and found.price
        and found.price.stripe_id in {price_id, coming.price_at(subscription, price_id, found.on)}
        and (found.quantity or 1) == quantity
    )


def lacks_method(subscription: Subscription, quote: Quote) -> bool:
    """Whether the quote is to be charged at once and there is nothing to charge it to."""
    return (
        quote.amount_due > 0
        and subscription.collection_method == "charge_automatically"
        and subscription.payment_method is None
        and not (subscription.customer and subscription.customer.data.get("default_source"))
    )


def seats_lost(subscription: Subscription, change: Change) -> int:
    """How many seats fewer there are after the change."""
    held = subscription.plan
    if held is None or not held.is_per_seat:
        return 0
    return max(subscription.quantity - change.quantity, 0)


def open_invoice(subscription: Subscription) -> Invoice | None:
    """The newest invoice of the subscription that waits to be paid."""
    return db.session.scalar(
        select(Invoice)
        .where(
            Invoice.subscription_id == subscription.stripe_id,
            Invoice.status == "open",
            Invoice.deleted_at.is_(None),
        )
        .order_by(Invoice.created.desc())
        .limit(1)
    )

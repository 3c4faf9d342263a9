"""Coupons that staff put on a subscription or take off it, with what it does to the next invoice.

Stripe gives no customer a discount of their own any more: a coupon is put on the subscription.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from billing import scheduled_change, staff_actions, sync
from billing.clock import from_unix, now
from billing.errors import GoneFromStripe
from billing.gateway import coupon_application as gateway
from billing.staff_actions import Kind, State
from models import Coupon, StaffAction, Subscription, db

# A page offers so many coupons at most, the newest.
MOST = 200


@dataclass(frozen=True)
class Held:
    """A discount that the subscription has."""

    stripe_id: str
    coupon_id: str | None
    name: str
    ends: datetime | None


@dataclass(frozen=True)
class NextInvoice:
    """The next invoice as Stripe previews it, minor units."""

    on: datetime | None
    total: int
    amount_due: int
    currency: str


def obstacle(subscription: Subscription | None) -> str | None:
    """Why its discounts cannot be changed, as a sentence; None when they can."""
    if subscription is None or not subscription.is_live:
        return "There is no running subscription that a coupon could be put on."
    if subscription.status == "incomplete":
        return "The first payment is outstanding. Coupons count once it is paid."
    if subscription.data.get("pending_update"):
        return "A change of the subscription waits for the customer's bank."
    if scheduled_change.stands_in_the_way(subscription):
        return (
            "A change of plan or seats is scheduled and holds its own discounts. "
            "Drop it first, under “Change plan or seats”."
        )
    return None


def held(subscription: Subscription) -> list[Held]:
    """The subscription's discounts, in the order they are taken off."""
    return [_held(one) for one in subscription.data.get("discounts") or []]


def _held(one: Any) -> Held:
    if isinstance(one, str):
        return Held(one, None, one, None)
    coupon = (one.get("source") or {}).get("coupon")
    coupon_id = coupon["id"] if isinstance(coupon, dict) else coupon
    name = coupon.get("name") if isinstance(coupon, dict) else None
    return Held(one["id"], coupon_id, name or coupon_id or one["id"], from_unix(one.get("end")))


def usable(subscription: Subscription) -> list[Coupon]:
    """The coupons that would take something off the subscription, the newest first."""
    products = {item.price.product_id for item in subscription.items if item.price}
    on_it = {each.coupon_id for each in held(subscription)}
    found = db.session.scalars(
        select(Coupon)
        .where(Coupon.valid, Coupon.deleted_at.is_(None))
        .order_by(Coupon.created.desc(), Coupon.stripe_id)
        .limit(MOST)
    )
    return [
        coupon
        for coupon in found
        if coupon.can_be_redeemed(now())
        and coupon.stripe_id not in on_it
        and (coupon.percent_off or coupon.amount_off_in(subscription.currency))
        and (not coupon.applies_to or products & set(coupon.applies_to))
    ]


def next_invoice(
    subscription: Subscription, *, adding: str | None = None, without: str | None = None
) -> NextInvoice | None:
    """The next invoice, as it is or with a coupon more or a discount less; None without one."""
    changed = adding is not None or without is not None
    try:
        found = gateway.preview_next(
            subscription.stripe_id, _discounts(subscription, adding, without) if changed else None
        )
    except GoneFromStripe:
        return None
    on = from_unix(found.next_payment_attempt or found.created)
    return NextInvoice(on, found.total, found.amount_due, found.currency)


def _discounts(
    subscription: Subscription, adding: str | None, without: str | None
) -> gateway.Discounts:
    kept = [{"discount": one.stripe_id} for one in held(subscription) if one.stripe_id != without]
    return [*kept, {"coupon": adding}] if adding else kept


def state(subscription_id: str) -> State:
    subscription = db.session.get_one(Subscription, subscription_id)
    return {
        "obstacle": obstacle(subscription),
        "status": subscription.status,
        "discounts": [one.stripe_id for one in held(subscription)],
        "price": subscription.price.stripe_id if subscription.price else None,
        "quantity": subscription.quantity,
    }


def _apply(action: StaffAction, key: str) -> State:
    scheduled_change.make_way(action.subject)
    gateway.replace(action.subject, discounts=action.params["discounts"], idempotency_key=key)
    return {}


def _is_applied(action: StaffAction) -> State | None:
    found: Subscription = sync.pull("subscription", action.subject)
    on_it = {each.coupon_id for each in held(found)}
    return {} if action.params["coupon"] in on_it else None


def _is_removed(action: StaffAction) -> State | None:
    found: Subscription = sync.pull("subscription", action.subject)
    on_it = {each.stripe_id for each in held(found)}
    return None if action.params["discount"] in on_it else {}


def _refresh(action: StaffAction) -> None:
    sync.pull("subscription", action.subject)
    if action.params.get("coupon"):
        sync.pull("coupon", action.params["coupon"])


APPLICATION = staff_actions.register(
    Kind("coupon", "coupon.applied", _refresh, state, _apply, _is_applied)
)
REMOVAL = staff_actions.register(
    Kind("coupon_removal", "coupon.removed", _refresh, state, _apply, _is_removed)
)


def applying(subscription: Subscription, coupon: Coupon) -> State:
    """What an application is agreed to."""
    discounts = _discounts(subscription, coupon.stripe_id, None)
    return {"coupon": coupon.stripe_id, "name": coupon.name, "discounts": discounts}


def removing(subscription: Subscription, discount: Held) -> State:
    """What a removal is agreed to."""
    discounts = _discounts(subscription, None, discount.stripe_id)
    return {
        "discount": discount.stripe_id,
        "coupon": discount.coupon_id,
        "name": discount.name,
        "discounts": discounts,
    }

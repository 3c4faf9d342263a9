"""The coupon offered to who finds it too expensive, and exactly what it would change for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from itertools import islice, takewhile

from flask import current_app

from billing import discounting
from billing.billing_calendar import boundary
from billing.discounting import Discount
from billing.pricing import DAYS, Cadence
from billing.renewals import Bill, bills
from models import Coupon, Subscription, db

# A coupon for longer than this many bills is said to be for that many at least; none is.
FAR = 130


@dataclass(frozen=True)
class Effect:
    """`after` instead of `before` on each of `periods` bills, the first on `first_on`.

    Minor units of `currency`. `periods` is None for all bills to come; `plus_tax` when tax comes
    on top of both amounts.
    """

    coupon: Coupon
    before: int
    after: int
    currency: str
    periods: int | None
    cadence: Cadence
    first_on: datetime
    plus_tax: bool

    @property
    def lasting(self) -> str:
        """For how long, such as "for 3 months"; a period at a time, as it is billed."""
        if self.periods is None:
            return f"{self.cadence.each} for as long as you stay"
        if self.cadence.count != 1:
            count = self.periods
            return "on your next payment" if count == 1 else f"on your next {count} payments"
        return f"for {self.periods} {self.cadence.interval}{'' if self.periods == 1 else 's'}"


def configured() -> Coupon | None:
    """The coupon of the setting `RETENTION_COUPON` as the mirror holds it."""
    coupon_id = current_app.config["SETTINGS"].retention_coupon
    return db.session.get(Coupon, coupon_id) if coupon_id else None


def effect(subscription: Subscription, coupon: Coupon, now: datetime) -> Effect | None:
    """What redeeming the coupon now would change; None where it is nothing or not exactly known."""
    price = subscription.price
    discount = _discount(coupon, subscription, now)
    if price is None or discount is None:
        return None
    coming = list(islice(bills(subscription, now), FAR))
    reduced = list(takewhile(lambda bill: discount.is_in_force(bill.on), coming))
    if discount.is_once:
        reduced = reduced[:1]
    amounts = {_amounts(bill, discount) for bill in reduced}
    if len(amounts) != 1:
        return None
    before_and_after = amounts.pop()
    if before_and_after is None or before_and_after[0] == before_and_after[1]:
        return None
    return Effect(
        coupon=coupon,
        before=before_and_after[0],
        after=before_and_after[1],
        currency=subscription.currency,
        periods=None if coupon.duration == "forever" else len(reduced),
        cadence=Cadence.of(price),
        first_on=reduced[0].on,
        plus_tax=reduced[0].plus_tax,
    )


def is_on(subscription: Subscription, coupon_id: str) -> bool:
    """Whether the subscription has a discount made from the coupon."""
    for discount in subscription.data.get("discounts") or []:
        source = discount.get("source") if isinstance(discount, dict) else None
        coupon = (source or {}).get("coupon")
        if (coupon["id"] if isinstance(coupon, dict) else coupon) == coupon_id:
            return True
    return False


def _amounts(bill: Bill, discount: Discount) -> tuple[int, int] | None:
    """The bill without and with the discount; None when either is not known exactly."""
    if bill.total is None or not bill.is_exact or bill.is_at_most or bill.used:
        return None
    lines = [(item.plan.stripe_id if item.plan else None, item.amount) for item in bill.items]
    known = [(product, amount) for product, amount in lines if amount is not None]
    if len(known) != len(lines) or sum(amount for _, amount in known) != bill.total:
        return None
    reduced = discounting.reduce(known, [discount], bill.on)
    return (bill.total, reduced.total) if reduced.is_exact else None


def _discount(coupon: Coupon, subscription: Subscription, now: datetime) -> Discount | None:
    amount = coupon.amount_off_in(subscription.currency)
    if coupon.percent_off is None and amount is None:
        return None
    ends = None
    if coupon.duration == "repeating" and coupon.duration_in_months:
        ends = boundary(now, Cadence(DAYS["month"], "month", 1), coupon.duration_in_months)
    return Discount(
        id=coupon.stripe_id,
        name=coupon.name,
        percent_off=Fraction(coupon.percent_off) if coupon.percent_off else None,
        amount_off=amount,
        products=frozenset(coupon.applies_to or ()),
        is_once=coupon.duration == "once",
        ends=ends,
    )

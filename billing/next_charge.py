"""What will be charged next, when and to what: from the mirror alone, and never a wrong figure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from billing.pricing import amount_for
from models import PaymentMethod, Price, Subscription, db


@dataclass(frozen=True)
class NextCharge:
    """The next charge. `amount` is minor units, None when the mirror cannot tell.

    `is_exact` is False when the amount may come out a little different ("about"); `plus_tax` is
    True when tax comes on top of it.
    """

    on: datetime
    amount: int | None
    currency: str
    is_exact: bool
    plus_tax: bool
    method: PaymentMethod | None
    is_invoiced: bool
    days_until_due: int | None
    credit_used: int = 0

    @property
    def expires_before(self) -> bool:
        """Whether the method it goes to will have expired by then, so that it would fail."""
        expires_on = self.method.expires_on if self.method else None
        charged = not (self.is_invoiced or self.is_nothing)
        return charged and expires_on is not None and expires_on < self.on.date()

    @property
    def is_nothing(self) -> bool:
        return self.amount == 0 and self.is_exact and not self.plus_tax


def next_charge(subscription: Subscription, now: datetime) -> NextCharge | None:
    """The subscription's next charge; None when none will come."""
    on = _date(subscription, now)
    if on is None:
        return None
    amount, exact = _amount(subscription, on, now)
    balance = _balance(subscription)
    before_balance = amount
    if amount is not None and balance:
        # Stripe applies the whole balance to the next invoice: credit is negative.
        amount = max(amount + balance, 0)
    return NextCharge(
        on=on,
        amount=amount,
        currency=subscription.currency,
        is_exact=exact,
        plus_tax=_has_tax_on_top(subscription),
        method=subscription.payment_method,
        is_invoiced=subscription.collection_method == "send_invoice",
        days_until_due=subscription.data.get("days_until_due"),
        credit_used=(before_balance or 0) - amount if amount is not None and balance < 0 else 0,
    )


def _balance(subscription: Subscription) -> int:
    """The customer's balance where it counts: Stripe uses one only in its own currency."""
    customer = subscription.customer
    if customer is None or customer.currency != subscription.currency:
        return 0
    return customer.balance


def _date(subscription: Subscription, now: datetime) -> datetime | None:
    renews = subscription.status in {"active", "trialing", "past_due"}
    on = subscription.trial_end if subscription.is_trialing else subscription.current_period_end
    if not renews or subscription.pause_collection or on is None:
        return None
    ends_on = subscription.ends_on
    if ends_on is not None and ends_on <= on:
        return None
    return on


def _amount(subscription: Subscription, on: datetime, now: datetime) -> tuple[int | None, bool]:
    """The amount before the customer's balance, and whether it is exact."""
    lines = _lines(subscription, on, now)
    if lines is None:
        return None, False
    total = 0
    for price, quantity, data in lines:
        amount = amount_for(price, quantity, subscription.currency) if price else None
        if amount is None or data.get("discounts"):
            return None, False
        total += amount
    return _discounted(total, subscription, on)


Line = tuple[Price | None, int | None, dict[str, Any]]


def _lines(subscription: Subscription, on: datetime, now: datetime) -> list[Line] | None:
    """What the next period bills: the scheduled phase that has begun by then, else the items."""
    phase = subscription.schedule.next_phase(now) if subscription.schedule else None
    if phase is not None and phase["start_date"] <= on.timestamp():
        if phase.get("add_invoice_items") or not _keeps_discounts(phase, subscription):
            return None
        return [
            (db.session.get(Price, _id(item["price"])), item.get("quantity"), item)
            for item in phase["items"]
        ]
    # Items may renew on different days; only those that renew now are billed now.
    due = [
        item
        for item in subscription.items
        if item.current_period_end is None or item.current_period_end <= on
    ]
    return [(item.price, item.quantity, item.data) for item in due or subscription.items]


def _keeps_discounts(phase: dict[str, Any], subscription: Subscription) -> bool:
    """Whether the phase goes on with the discounts that the subscription has, and no others."""
    named = phase.get("discounts") or []
    running = [_id(one) for one in subscription.data.get("discounts") or []]
    return not named or [one.get("discount") and _id(one["discount"]) for one in named] == running


def _discounted(total: int, subscription: Subscription, on: datetime) -> tuple[int | None, bool]:
    discounts = list(_discounts(subscription))
    exact = True
    for discount in discounts:
        coupon = _coupon(discount)
        if coupon is None or coupon.get("applies_to"):
            return None, False
        if discount.get("end") and discount["end"] <= on.timestamp():
            continue
        if coupon.get("percent_off") is not None:
            off = Decimal(str(coupon["percent_off"])) * total / 100
            # Stripe rounds by line, so a fraction may fall either way.
            exact = exact and off == off.to_integral_value() and len(discounts) == 1
            total -= int(off.to_integral_value())
        elif coupon.get("amount_off") is not None:
            off = _amount_off(coupon, subscription.currency)
            if off is None:
                return None, False
            total = max(total - off, 0)
        else:
            return None, False
    return total, exact


def _discounts(subscription: Subscription) -> Iterable[Any]:
    """The subscription's own, else the customer's: Stripe applies one or the other."""
    own = subscription.data.get("discounts") or []
    if own:
        return own
    customer = subscription.customer
    shared = customer.data.get("discount") if customer else None
    return [shared] if shared else []


def _coupon(discount: Any) -> dict[str, Any] | None:
    """The coupon of a discount when the mirror holds it whole, not only its id."""
    if not isinstance(discount, dict):
        return None
    coupon = (discount.get("source") or {}).get("coupon")
    return coupon if isinstance(coupon, dict) else None


def _amount_off(coupon: dict[str, Any], currency: str) -> int | None:
    if coupon.get("currency") == currency:
        return int(coupon["amount_off"])
    option = (coupon.get("currency_options") or {}).get(currency)
    return int(option["amount_off"]) if option else None


def _has_tax_on_top(subscription: Subscription) -> bool:
    """Whether tax is added to the price, rather than being in it or not charged at all."""
    rates = list(subscription.data.get("default_tax_rates") or [])
    for item in subscription.items:
        rates += item.data.get("tax_rates") or []
    if any(not (isinstance(rate, dict) and rate.get("inclusive")) for rate in rates):
        return True
    automatic = (subscription.data.get("automatic_tax") or {}).get("enabled")
    prices = [item.price for item in subscription.items if item.price]
    return bool(automatic) and any(p.tax_behavior != "inclusive" for p in prices)


def _id(reference: Any) -> str:
    return reference["id"] if isinstance(reference, dict) else reference

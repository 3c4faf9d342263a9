"""Prices as a subscriber meets them: what is offered, what it costs, what a change means.

Everything here is worked out from the mirror; nothing asks Stripe. Amounts are integers in the
currency's minor unit; an amount that the mirror cannot know exactly is None.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from models import Account, Price, Product, Subscription

# How long a period is, in days, to order and compare them; never to charge.
DAYS = {
    "day": Fraction(1),
    "week": Fraction(7),
    "month": Fraction(1461, 48),
    "year": Fraction(1461, 4),
}
TAKES_EFFECT_NOW = "now"
TAKES_EFFECT_AT_PERIOD_END = "period_end"


@dataclass(frozen=True, order=True)
class Cadence:
    """How often a price is charged: every `count` `interval`s."""

    days: Fraction
    interval: str
    count: int

    @classmethod
    def of(cls, price: Price) -> Cadence:
        interval, count = price.interval or "month", price.interval_count or 1
        return cls(DAYS[interval] * count, interval, count)

    @property
    def key(self) -> str:
        """For addresses: "month", "year", "3-month"."""
        return self.interval if self.count == 1 else f"{self.count}-{self.interval}"

    @property
    def label(self) -> str:
        """For the switch: "Monthly", "Yearly", "Every 3 months"."""
        single = {"day": "Daily", "week": "Weekly", "month": "Monthly", "year": "Yearly"}
        if self.count == 1:
            return single[self.interval]
        return f"Every {self.count} {self.interval}s"

    @property
    def each(self) -> str:
        """After an amount: "a month", "every 3 months"."""
        return f"a {self.interval}" if self.count == 1 else f"every {self.count} {self.interval}s"

    @property
    def adverb(self) -> str:
        """After a plan's name: "monthly", "every 3 months"."""
        return self.label.lower()


@dataclass(frozen=True)
class Offer:
    """One plan at the chosen cadence and currency; `price` is None where it is not sold so."""

    plan: Product
    price: Price | None
    currency: str
    unit_amount: int | None = None
    unit_amount_decimal: str | None = None
    starts_from: bool = False

    @property
    def cadence(self) -> Cadence | None:
        return Cadence.of(self.price) if self.price else None


@dataclass(frozen=True)
class Change:
    """What moving a subscription to another price means, told without calling Stripe.

    `difference` is the new amount less the old for one period, minor units; None when either
    cannot be known or when the periods differ in length.
    """

    price: Price
    quantity: int
    currency: str
    takes_effect: str
    starts_on: datetime | None
    old_amount: int | None
    new_amount: int | None
    same_cadence: bool
    is_upgrade: bool

    @property
    def is_immediate(self) -> bool:
        return self.takes_effect == TAKES_EFFECT_NOW

    @property
    def difference(self) -> int | None:
        if self.old_amount is None or self.new_amount is None or not self.same_cadence:
            return None
        return self.new_amount - self.old_amount

    @property
    def cadence(self) -> Cadence:
        return Cadence.of(self.price)


def buyable_prices(plan: Product) -> list[Price]:
    """The plan's active recurring prices, its default one first, then the newest first."""
    found = [p for p in plan.prices if p.active and p.is_recurring]
    found.sort(key=lambda p: p.created.timestamp() if p.created else 0, reverse=True)
    found.sort(key=lambda p: p.stripe_id != plan.default_price_id)
    return found


def cadences(plans: Iterable[Product]) -> list[Cadence]:
    """Every cadence the plans are sold at, the shortest first."""
    return sorted({Cadence.of(p) for plan in plans for p in buyable_prices(plan)})


def currencies(plans: Iterable[Product]) -> list[str]:
    """Every currency the plans can be paid in; those that sell the most plans first."""
    prices = [p for plan in plans for p in reversed(buyable_prices(plan))]
    sold: dict[str, set[str]] = {}
    for price in prices:
        for code in price.currencies:
            sold.setdefault(code, set()).add(price.product_id)
    native = {price.currency for price in prices}
    # Sorting is stable: what is equal stays in the order the prices name it.
    return sorted(sold, key=lambda code: (-len(sold[code]), code not in native))


def fixed_currency(account: Account | None) -> str | None:
    """The currency the account must pay in: Stripe lets a customer have one at a time."""
    if account is None:
        return None
    subscription = account.subscription
    if subscription is not None and subscription.is_live:
        return subscription.currency
    return account.customer.currency if account.customer else None


def choose_currency(
    available: Sequence[str], *, fixed: str | None, asked: str | None, likely: str | None = None
) -> str:
    """The currency to show: what the customer is bound to, else asked for, else likely.

    A bound currency is shown even where nothing is sold in it: a price that could not be paid
    would be worse than none.
    """
    if fixed:
        return fixed
    for wanted in (asked, likely):
        if wanted in available:
            return wanted
    return available[0] if available else "usd"


def price_for(plan: Product, cadence: Cadence, currency: str) -> Price | None:
    """The plan's price at this cadence in this currency, one made in the currency preferred."""
    fitting = [
        p for p in buyable_prices(plan) if Cadence.of(p) == cadence and currency in p.currencies
    ]
    return next((p for p in fitting if p.currency == currency), fitting[0] if fitting else None)


def offer(plan: Product, cadence: Cadence, currency: str) -> Offer:
    """The plan as its card shows it."""
    price = price_for(plan, cadence, currency)
    if price is None:
        return Offer(plan, None, currency)
    tiers = _tiers(price, currency)
    if tiers:
        first = tiers[0]
        return Offer(
            plan, price, currency, first.get("unit_amount"), first.get("unit_amount_decimal"), True
        )
    amount = price.unit_amount_in(currency)
    return Offer(plan, price, currency, amount, _unit_decimal(price, currency))


def amount_for(price: Price, quantity: int | None, currency: str) -> int | None:
    """What `quantity` costs for one period before discounts and tax, minor units.

    None when it depends on usage, on tiers the mirror was not told of, or is no whole amount.
    """
    exact = exact_amount_for(price, quantity, currency)
    return _whole(exact) if exact is not None else None


def exact_amount_for(price: Price, quantity: int | None, currency: str) -> Decimal | None:
    """As `amount_for`, with the fractions of a minor unit that some prices have."""
    if price.usage_type == "metered":
        return None
    units = quantity if quantity is not None else 1
    divided = price.data.get("transform_quantity")
    if divided:
        whole, rest = divmod(units, divided["divide_by"])
        units = whole + (1 if rest and divided["round"] == "up" else 0)
    if price.billing_scheme == "tiered":
        return _tiered(_tiers(price, currency), price.tiers_mode, units)
    unit = price.unit_amount_in(currency)
    if unit is not None:
        return Decimal(unit * units)
    decimal = _unit_decimal(price, currency)
    return Decimal(decimal) * units if decimal is not None else None


def billed_quantity(price: Price, quantity: int) -> int | None:
    """The quantity to name to Stripe; None for what is billed by usage."""
    return None if price.usage_type == "metered" else quantity


def _unit_decimal(price: Price, currency: str) -> str | None:
    if currency == price.currency:
        return price.unit_amount_decimal
    option = (price.currency_options or {}).get(currency)
    return option.get("unit_amount_decimal") if option else None


def _tiers(price: Price, currency: str) -> list[dict[str, Any]]:
    if currency == price.currency:
        return price.tiers or []
    return ((price.currency_options or {}).get(currency) or {}).get("tiers") or []


def _whole(amount: Decimal) -> int | None:
    return int(amount) if amount == amount.to_integral_value() else None


def _tiered(tiers: list[dict[str, Any]], mode: str | None, units: int) -> Decimal | None:
    """Stripe's docs, "Tiered pricing": volume prices all units by one tier, graduated each part."""
    if not tiers:
        return None
    total, done = Decimal(0), 0
    for tier in tiers:
        last = tier["up_to"] is None or units <= tier["up_to"]
        if mode == "volume" and not last:
            continue
        here = units if mode == "volume" or last else tier["up_to"]
        total += Decimal(str(tier.get("unit_amount_decimal") or tier.get("unit_amount") or 0)) * (
            here if mode == "volume" else here - done
        )
        total += Decimal(str(tier.get("flat_amount_decimal") or tier.get("flat_amount") or 0))
        done = here
        if last:
            break
    return total


def saving_percent(plan: Product, shorter: Cadence, longer: Cadence, currency: str) -> int | None:
    """Whole percent saved by paying the longer cadence, to the nearest; None when nothing is."""
    one, other = (price_for(plan, cadence, currency) for cadence in (shorter, longer))
    if one is None or other is None:
        return None
    little, much = (amount_for(p, 1, currency) for p in (one, other))
    times = _times(shorter, longer)
    if not little or much is None or times is None:
        return None
    percent = (1 - Fraction(much, little * times)) * 100
    return round(percent) if percent >= 1 else None


def best_saving(
    plans: Iterable[Product], shorter: Cadence, longer: Cadence, currency: str
) -> tuple[int, bool] | None:
    """The largest saving in whole percent and whether every plan saves that; None without one."""
    found = [saving_percent(plan, shorter, longer, currency) for plan in plans]
    sold = [
        percent
        for plan, percent in zip(plans, found, strict=True)
        if price_for(plan, longer, currency) is not None
    ]
    known = [percent for percent in sold if percent]
    return (max(known), len(set(sold)) == 1) if known else None


def _times(shorter: Cadence, longer: Cadence) -> int | None:
    """How many of the shorter make the longer: 12 months a year; None when not whole."""
    if shorter.interval == longer.interval:
        times = Fraction(longer.count, shorter.count)
    elif (shorter.interval, longer.interval) == ("month", "year"):
        times = Fraction(12 * longer.count, shorter.count)
    else:
        return None
    return int(times) if times.denominator == 1 else None


def seats_for(plan: Product, subscription: Subscription | None) -> int:
    """How many seats a move to `plan` begins with: those held now, within the plan's limits."""
    if not plan.is_per_seat:
        return 1
    held = 1
    if subscription is not None and subscription.plan is not None:
        held = subscription.quantity if subscription.plan.is_per_seat else 1
    return min(max(held, plan.min_seats or 1), plan.max_seats or held)


def takes_effect(subscription: Subscription, price: Price, quantity: int) -> str:
    """When a change applies: dearer or longer now, cheaper or shorter when the period ends.

    In a trial nothing has been paid for yet, so that everything applies now.
    """
    current = subscription.price
    if current is None or subscription.is_trialing:
        return TAKES_EFFECT_NOW
    old, new = Cadence.of(current), Cadence.of(price)
    if new < old:
        return TAKES_EFFECT_AT_PERIOD_END
    if current.product_id == price.product_id and new > old:
        return TAKES_EFFECT_NOW
    before, after = (
        _daily(subscription.price, subscription.quantity, subscription.currency),
        _daily(price, quantity, subscription.currency),
    )
    if before is None or after is None:
        return TAKES_EFFECT_NOW
    return TAKES_EFFECT_NOW if after >= before else TAKES_EFFECT_AT_PERIOD_END


def _daily(price: Price | None, quantity: int, currency: str) -> Fraction | None:
    amount = amount_for(price, quantity, currency) if price else None
    return Fraction(amount) / Cadence.of(price).days if price and amount is not None else None


def change(subscription: Subscription, price: Price, quantity: int) -> Change:
    """What moving the subscription's plan to `quantity` of `price` means."""
    current = subscription.price
    when = takes_effect(subscription, price, quantity)
    currency = subscription.currency
    before = _daily(current, subscription.quantity, currency)
    after = _daily(price, quantity, currency)
    return Change(
        price=price,
        quantity=quantity,
        currency=currency,
        takes_effect=when,
        starts_on=None if when == TAKES_EFFECT_NOW else subscription.current_period_end,
        old_amount=amount_for(current, subscription.quantity, currency) if current else None,
        new_amount=amount_for(price, quantity, currency),
        same_cadence=current is not None and Cadence.of(current) == Cadence.of(price),
        is_upgrade=before is not None and after is not None and after > before,
    )


def at_time(change: Change, when: str, subscription: Subscription) -> Change:
    """The change at the time that staff chose, whatever the rule for subscribers says."""
    starts_on = None if when == TAKES_EFFECT_NOW else subscription.current_period_end
    return replace(change, takes_effect=when, starts_on=starts_on)

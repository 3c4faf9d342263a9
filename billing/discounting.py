"""What discounts take off an invoice to come, as far as the mirror knows their coupons.

Each discount works on what the one before it left; a percentage is taken line by line, an amount
off all lines together. Source: Stripe's docs, "Stack discounts".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from billing.clock import from_unix
from models import Subscription


@dataclass(frozen=True)
class Discount:
    """A discount and when it holds. `products` limits it to those; empty means every product."""

    id: str
    name: str | None
    percent_off: Fraction | None
    amount_off: int | None
    products: frozenset[str]
    is_once: bool
    ends: datetime | None
    starts: datetime | None = None

    def is_in_force(self, at: datetime) -> bool:
        return self.ends is None or at < self.ends

    def covers(self, product_id: str | None) -> bool:
        return not self.products or product_id in self.products


@dataclass(frozen=True)
class Reduced:
    """What is left of the lines, minor units; `used` took something off.

    `is_exact` is False where Stripe rounds a fraction and might do so the other way.
    """

    total: int
    is_exact: bool
    used: tuple[Discount, ...]


def discounts_of(subscription: Subscription) -> list[Discount] | None:
    """The subscription's own discounts, else its customer's: Stripe applies one or the other.

    None when the mirror does not hold a coupon whole, so that nothing can be said.
    """
    given = subscription.data.get("discounts") or []
    if not given and subscription.customer is not None:
        shared = subscription.customer.data.get("discount")
        given = [shared] if shared else []
    found = [read(one, subscription.currency) for one in given]
    return None if None in found else [one for one in found if one is not None]


def reduce(
    lines: Sequence[tuple[str | None, int]], discounts: Iterable[Discount], at: datetime
) -> Reduced:
    """The total of `lines`, pairs of a product and an amount, after the discounts in force."""
    left = [(product, Fraction(amount)) for product, amount in lines]
    is_exact, used = True, []
    for discount in discounts:
        if not discount.is_in_force(at):
            continue
        covered = [
            i for i, (product, amount) in enumerate(left) if discount.covers(product) and amount > 0
        ]
        available = sum((left[i][1] for i in covered), Fraction(0))
        if not available:
            continue
        if discount.percent_off is not None:
            shares = {i: left[i][1] * discount.percent_off / 100 for i in covered}
            is_exact = is_exact and all(share.denominator == 1 for share in shares.values())
            # Stripe rounds each line's share to a whole minor unit, half of one upwards.
            shares = {i: Fraction(int(share + Fraction(1, 2))) for i, share in shares.items()}
        else:
            off = min(Fraction(discount.amount_off or 0), available)
            # An amount is spread by the lines' weights; only all of it is known to the unit.
            shares = {i: off * left[i][1] / available for i in covered}
        if any(shares.values()):
            used.append(discount)
        left = [
            (product, amount - shares.get(i, Fraction(0)))
            for i, (product, amount) in enumerate(left)
        ]
    total = sum((amount for _, amount in left), Fraction(0))
    return Reduced(round(total), is_exact and total.denominator == 1, tuple(used))


def read(given: Any, currency: str) -> Discount | None:
    """Stripe's discount, for what is paid in `currency`; None for one without its coupon whole."""
    if not isinstance(given, dict):
        return None
    coupon = (given.get("source") or {}).get("coupon")
    if not isinstance(coupon, dict):
        return None
    amount = _amount_off(coupon, currency)
    if coupon.get("percent_off") is None and amount is None:
        return None
    percent = coupon.get("percent_off")
    return Discount(
        id=given["id"],
        name=coupon.get("name"),
        percent_off=None if percent is None else Fraction(str(percent)),
        amount_off=amount,
        products=frozenset((coupon.get("applies_to") or {}).get("products") or ()),
        is_once=coupon.get("duration") == "once",
        ends=from_unix(given.get("end")),
        starts=from_unix(given.get("start")),
    )


def _amount_off(coupon: dict[str, Any], currency: str) -> int | None:
    """The amount in `currency`; None for a percentage, or where it has none in that currency."""
    if coupon.get("amount_off") is None:
        return None
    if coupon.get("currency") == currency:
        return int(coupon["amount_off"])
    option = (coupon.get("currency_options") or {}).get(currency)
    return int(option["amount_off"]) if option else None

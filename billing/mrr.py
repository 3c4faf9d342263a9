"""Monthly recurring revenue: what a subscription brings in a month, minor units of its currency.

The rules, which docs/metrics.md repeats for readers:
- Subscriptions that are active or past due count; one in a trial, paused, unpaid, incomplete or
  over is worth nothing, and neither is one whose invoices are voided or written off while its
  collection is paused.
- Each item counts with its price times its quantity, spread evenly over the months of its cadence.
- Discounts that last (forever, or for some months that are not over) are taken off, one for a
  single invoice is not; a subscription's own, else its customer's.
- Taxes, invoice items and purchases are not recurring, and never count.
- What depends on usage, or on a price the mirror does not hold whole, is not counted, and said so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from fractions import Fraction

from billing import clock, discounting
from billing.discounting import Discount
from billing.pricing import DAYS, Cadence, exact_amount_for
from models import Price, Subscription, SubscriptionItem

COUNTED_STATUSES = frozenset({"active", "past_due"})
# What becomes of the invoices of a paused collection that will never be paid.
UNCOLLECTED = frozenset({"void", "mark_uncollectible"})

# A price and how many of it; None where the price has no quantity.
Item = tuple[Price | None, int | None]


def monthly(amount: int, cadence: Cadence) -> int:
    """An amount charged once each `cadence`, per month: minor units, rounded half to even.

    A year is twelve months; weeks and days are spread over months of 365.25 / 12 days.
    """
    return round(_monthly(amount, cadence))


def of(subscription: Subscription, at: datetime | None = None) -> int:
    """What the subscription is worth a month at `at`, now by default: minor units of its currency.

    0 for one that does not count. Items that cannot be counted add nothing: see `not_counted`.
    """
    return worth(subscription, at) if is_counted(subscription) else 0


def worth(subscription: Subscription, at: datetime | None = None) -> int:
    """What it would be worth if it counted, as a trial will when it is over; minor units."""
    items = [(item.price, item.quantity) for item in subscription.items]
    discounts = lasting_discounts(subscription)
    return worth_of(items, subscription.currency, discounts, at or clock.now())


def is_counted(subscription: Subscription) -> bool:
    """Whether it is of those that are paid for, by its status and the pause of its collection."""
    collection = subscription.pause_collection or {}
    return (
        subscription.status in COUNTED_STATUSES
        and subscription.deleted_at is None
        and collection.get("behavior") not in UNCOLLECTED
    )


def not_counted(subscription: Subscription) -> list[SubscriptionItem]:
    """Its items whose amount nobody knows before they are billed, such as metered ones."""
    return [
        item
        for item in subscription.items
        if not is_known((item.price, item.quantity), subscription.currency)
    ]


def is_known(item: Item, currency: str) -> bool:
    """Whether the mirror can tell what the item costs for one period."""
    price, quantity = item
    return price is not None and exact_amount_for(price, quantity, currency) is not None


def lasting_discounts(subscription: Subscription) -> list[Discount]:
    """Its discounts on more than one invoice, those known in full, over or not."""
    return [one for one in discounting.discounts_of(subscription) or [] if not one.is_once]


def worth_of(
    items: Iterable[Item], currency: str, discounts: Sequence[Discount], at: datetime
) -> int:
    """What the items bring in a month after the discounts in force at `at`; minor units.

    Items of one cadence share an invoice, and an amount off is taken off each invoice.
    """
    invoices: dict[Cadence, list[tuple[str | None, int]]] = {}
    for price, quantity in items:
        amount = exact_amount_for(price, quantity, currency) if price else None
        if price is not None and amount is not None:
            line = (price.product_id, round(amount))
            invoices.setdefault(Cadence.of(price), []).append(line)
    return round(
        sum(
            (
                _monthly(discounting.reduce(lines, discounts, at).total, cadence)
                for cadence, lines in invoices.items()
            ),
            Fraction(0),
        )
    )


def _monthly(amount: int, cadence: Cadence) -> Fraction:
    return Fraction(amount) * DAYS["month"] / cadence.days

"""Changes of a plan's prices that wait for its publication.

An amount cannot be changed here: what is sold already keeps its price until a price change moves
it. So there are three steps: a new interval, a new currency of an interval that is sold, and an
interval that is sold no longer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from billing.plan_drafts import Subject, new_step_id
from billing.pricing import DAYS, Cadence, buyable_prices
from models import Price

INTERVAL, CURRENCY, RETIRE = "interval", "currency", "retire"
# Written with each price that is made, to be known again.
MARK = "draft_step"
# Stripe's docs, "Prices": the longest billing interval is three years.
LONGEST = {"day": 1095, "week": 156, "month": 36, "year": 3}


@dataclass(frozen=True)
class Sold:
    """A cadence as it is or is to be sold: amounts in minor units by currency.

    `price` is None where it is still to be made, `step` what is planned for it, if anything.
    """

    cadence: Cadence
    price: Price | None
    amounts: dict[str, int | None]
    steps: tuple[dict[str, Any], ...] = ()

    @property
    def is_retired(self) -> bool:
        return any(step["kind"] == RETIRE for step in self.steps)

    @property
    def is_per_unit(self) -> bool:
        """At one amount for each, so that another currency needs one amount too."""
        return self.price is not None and self.price.unit_amount is not None

    @property
    def new_currencies(self) -> frozenset[str]:
        return frozenset(s["currency"] for s in self.steps if s["kind"] == CURRENCY)


def cadence(interval: str, count: int) -> Cadence:
    return Cadence(DAYS[interval] * count, interval, count)


def new_interval(interval: str, count: int, amounts: dict[str, int]) -> dict[str, Any]:
    """The step that sells the plan at one more interval."""
    return {
        "id": new_step_id(),
        "kind": INTERVAL,
        "interval": interval,
        "count": count,
        # Pairs: PostgreSQL keeps no order in an object, and the first is the price's own currency.
        "amounts": [[currency, amount] for currency, amount in amounts.items()],
    }


def new_currency(price: Price, currency: str, amount: int) -> dict[str, Any]:
    """The step that lets a price be paid in one more currency. One for each of them."""
    return {
        "id": f"{price.stripe_id}-{currency}",
        "kind": CURRENCY,
        "price_id": price.stripe_id,
        "currency": currency,
        "amount": amount,
    }


def retirement(price: Price) -> dict[str, Any]:
    """The step that stops selling a price. Who pays it goes on paying it."""
    return {"id": f"{price.stripe_id}-retire", "kind": RETIRE, "price_id": price.stripe_id}


def is_done(step: dict[str, Any], prices: Iterable[Price]) -> bool:
    """Whether the plan's prices, as the mirror has them, show that the step was made.

    A price that is sold no longer has nothing left to be made.
    """
    if step["kind"] == INTERVAL:
        return any((p.data.get("metadata") or {}).get(MARK) == step["id"] for p in prices)
    price = next((p for p in prices if p.stripe_id == step["price_id"]), None)
    if price is None or not price.active:
        return True
    return step["kind"] == CURRENCY and step["currency"] in price.currencies


def to_come(subject: Subject) -> list[dict[str, Any]]:
    """The draft's steps that are not made yet."""
    prices = subject.product.prices if subject.product else []
    return [step for step in subject.steps if not is_done(step, prices)]


def sold(subject: Subject) -> list[Sold]:
    """Every cadence the plan is sold at, or is to be, the shortest first."""
    steps = to_come(subject)
    found = []
    for price in buyable_prices(subject.product) if subject.product else []:
        mine = tuple(s for s in steps if s.get("price_id") == price.stripe_id)
        amounts = {code: price.unit_amount_in(code) for code in price.currencies}
        amounts |= {s["currency"]: s["amount"] for s in mine if s["kind"] == CURRENCY}
        found.append(Sold(Cadence.of(price), price, amounts, mine))
    for step in steps:
        if step["kind"] == INTERVAL:
            when = cadence(step["interval"], step["count"])
            found.append(Sold(when, None, dict(step["amounts"]), (step,)))
    return sorted(found, key=lambda each: each.cadence)


def has_price(subject: Subject) -> bool:
    """Whether the plan can be bought at all once its draft is published."""
    return any(not each.is_retired for each in sold(subject))


def is_sold_at(subject: Subject, when: Cadence) -> bool:
    return any(each.cadence == when and not each.is_retired for each in sold(subject))


def said(step: dict[str, Any], prices: Sequence[Price]) -> Cadence | None:
    """The cadence a step is about; None when its price is gone."""
    if step["kind"] == INTERVAL:
        return cadence(step["interval"], step["count"])
    price = next((p for p in prices if p.stripe_id == step["price_id"]), None)
    return Cadence.of(price) if price else None

"""What each subscriber was worth at the end of every month, and how that moved from month to month.

A subscriber is a customer, with all its subscriptions in the currencies of the view. Its MRR at the
end of a month is compared with that at the end of the month before; the month that runs ends now.
So every change has one name, and the movements of a month add up to the change of its MRR:

- new: it was worth nothing and never was at the end of a month before;
- reactivation: it was worth nothing, and something at the end of an earlier month;
- expansion and contraction: it was and is worth something, more or less;
- churn: it is worth nothing any more. A pause is one, and its end a reactivation.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from billing.metrics.months import Month, number_of
from billing.metrics.view import View
from models import SubscriptionState, db

MOVEMENTS = ("new", "reactivation", "expansion", "contraction", "churn")
READ_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Step:
    """A month in which a subscriber's MRR moved; minor units at its beginning and end."""

    month: int
    before: int
    after: int
    movement: str


@dataclass(frozen=True, slots=True)
class Subscriber:
    customer_id: str
    steps: list[Step]

    def mrr(self, month: Month) -> int:
        """What it was worth at the end of the month, minor units."""
        place = bisect_right(self.steps, month.number, key=lambda step: step.month)
        return self.steps[place - 1].after if place else 0

    def step(self, month: Month) -> Step | None:
        """How it moved in the month; None when it did not."""
        place = bisect_right(self.steps, month.number, key=lambda step: step.month)
        found = self.steps[place - 1] if place else None
        return found if found is not None and found.month == month.number else None

    @property
    def first_month(self) -> Month:
        """At whose end it was worth something for the first time."""
        return Month(self.steps[0].month)


@dataclass
class Totals:
    """A month: MRR and paying subscribers at its end, and what moved, minor units and counts."""

    month: Month
    mrr: int = 0
    subscribers: int = 0
    amounts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(MOVEMENTS, 0))
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(MOVEMENTS, 0))

    @property
    def change(self) -> int:
        return sum(self.amounts.values())


@dataclass
class Book:
    """Everybody who was ever worth something, and the months from the first to `last`."""

    view: View
    last: Month
    subscribers: list[Subscriber]
    totals: dict[Month, Totals]

    @property
    def months(self) -> list[Month]:
        return list(self.totals)

    def of(self, month: Month) -> Totals:
        """The month's totals; nothing before the first."""
        return self.totals.get(month) or Totals(month)


def read(view: View, last: Month, now: datetime) -> Book:
    """The book up to the end of `last`, or up to `now` when that comes first.

    One query and one pass over every state of every subscription in the view's currencies.
    """
    subscribers = [
        Subscriber(customer_id, steps)
        for customer_id, rows in groupby(_rows(view, last, now), key=itemgetter(0))
        if (steps := list(_steps(_changes(view, rows))))
    ]
    return Book(view, last, subscribers, _totals(subscribers, last))


def _rows(view: View, last: Month, now: datetime) -> Iterable[Any]:
    state = SubscriptionState
    return db.session.execute(
        sa.select(state.customer_id, state.subscription_id, state.currency, state.at, state.mrr)
        .where(state.at < last.end, state.at <= now, state.currency.in_(view.currencies))
        .order_by(state.customer_id, state.subscription_id, state.at)
        .execution_options(yield_per=READ_AT_ONCE)
    )


def _changes(view: View, rows: Iterable[Any]) -> dict[int, int]:
    """By how much a customer's MRR changed in each month; rows of one, by subscription and time."""
    changes: dict[int, int] = {}
    current, worth = None, 0
    for _, subscription_id, currency, at, amount in rows:
        if subscription_id != current:
            current, worth = subscription_id, 0
        value = view.converted(amount, currency) if amount else 0
        if value != worth:
            month = number_of(at)
            changes[month] = changes.get(month, 0) + value - worth
            worth = value
    return changes


def _steps(changes: dict[int, int]) -> Iterator[Step]:
    worth, was_worth_something = 0, False
    for month in sorted(changes):
        if changes[month]:
            before, worth = worth, worth + changes[month]
            yield Step(month, before, worth, _movement(before, worth, was_worth_something))
            was_worth_something = True


def _movement(before: int, after: int, was_worth_something: bool) -> str:
    if not before:
        return "reactivation" if was_worth_something else "new"
    if not after:
        return "churn"
    return "expansion" if after > before else "contraction"


def _totals(subscribers: list[Subscriber], last: Month) -> dict[Month, Totals]:
    first = min((each.first_month for each in subscribers), default=last)
    totals = {month: Totals(month) for month in first.until(last)}
    by_number = {month.number: found for month, found in totals.items()}
    for each in subscribers:
        for step in each.steps:
            found = by_number[step.month]
            found.amounts[step.movement] += step.after - step.before
            found.counts[step.movement] += 1
    mrr = count = 0
    for found in totals.values():
        mrr += found.change
        count += found.counts["new"] + found.counts["reactivation"] - found.counts["churn"]
        found.mrr, found.subscribers = mrr, count
    return totals

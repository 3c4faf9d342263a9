"""The page of figures: everything it says, asked for once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import sqlalchemy as sa

from billing.metrics import book as books
from billing.metrics import cohorts, lists, recovery, retention, trials
from billing.metrics.book import Book, Totals
from billing.metrics.cohorts import Cohort
from billing.metrics.lists import Listing
from billing.metrics.months import Month
from billing.metrics.recovery import Recovery
from billing.metrics.retention import Churn, Retention
from billing.metrics.shares import Share
from billing.metrics.view import View
from models import SubscriptionState, db

# As many months as stand in a chart and its table.
SHOWN = 14


@dataclass
class Report:
    """Figures of `month`, in `view`, as they are known at `now`."""

    view: View
    month: Month
    now: datetime

    @cached_property
    def book(self) -> Book:
        return books.read(self.view, self.month, self.now)

    @cached_property
    def totals(self) -> Totals:
        return self.book.of(self.month)

    @property
    def is_over(self) -> bool:
        return self.month.end <= self.now

    @property
    def is_empty(self) -> bool:
        """Nobody in this view was ever worth anything."""
        return not self.book.subscribers

    @property
    def arr(self) -> int:
        return self.totals.mrr * 12

    @property
    def arpa(self) -> int | None:
        return retention.average(self.book, self.month)

    @cached_property
    def retention(self) -> Retention:
        return retention.over_a_year(self.book, self.month)

    @cached_property
    def churn(self) -> Churn:
        return retention.churn(self.book, self.month)

    @cached_property
    def trials(self) -> list[trials.Trial]:
        return trials.ended(self.view, self.month, self.now)

    @property
    def trial_conversion(self) -> Share:
        return trials.conversion(self.trials, self.month)

    @property
    def months(self) -> list[Totals]:
        """The latest months up to this one, the oldest first."""
        return list(self.book.totals.values())[-SHOWN:]

    @cached_property
    def recoveries(self) -> list[Recovery]:
        """What became of failed renewals, month by month, the oldest first."""
        return recovery.by_month(self.view, [one.month for one in self.months])

    @property
    def recovery(self) -> Recovery:
        return self.recoveries[-1]

    @cached_property
    def cohorts(self) -> list[Cohort]:
        return cohorts.of(self.book, self.month)

    @cached_property
    def not_counted(self) -> Listing:
        return lists.not_counted(self.view, self.month, self.now)

    def listing(self, figure: str, first: Month | None = None) -> Listing:
        """The subscribers behind a figure; KeyError for no such figure."""
        if figure == "not_counted":
            return self.not_counted
        if figure in {"trials", "converted"}:
            return lists.of_trials(self.trials, self.month, converted=figure == "converted")
        if figure == "cohort":
            return lists.of_cohort(self.book, first or self.month, self.month)
        return lists.of_book(self.book, figure, self.month)


def months_known(now: datetime) -> Sequence[Month]:
    """The months that can be asked for, the latest first: from the first subscription to now."""
    first = db.session.scalar(sa.select(sa.func.min(SubscriptionState.at)))
    return Month.of(first or now).until(Month.of(now))[::-1]

"""The subscribers behind a figure: the same book that the figure comes from, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from billing.metrics.book import MOVEMENTS, Book, Subscriber
from billing.metrics.months import Month
from billing.metrics.retention import MONTHS
from billing.metrics.trials import Trial
from billing.metrics.view import View
from models import SubscriptionState, db


@dataclass(frozen=True, slots=True)
class Row:
    """A subscriber: MRR at first and in the end, minor units of the view's currency."""

    customer_id: str
    before: int
    after: int

    @property
    def change(self) -> int:
        return self.after - self.before


@dataclass(frozen=True)
class Listing:
    """Rows, the largest first. `shows` names the columns: before, after, change."""

    figure: str
    title: str
    rows: Sequence[Row]
    shows: tuple[str, ...]
    before_label: str = "Before"
    after_label: str = "After"

    @property
    def before(self) -> int:
        return sum(row.before for row in self.rows)

    @property
    def after(self) -> int:
        return sum(row.after for row in self.rows)

    @property
    def change(self) -> int:
        return self.after - self.before


TITLES = {
    "mrr": "Everybody who pays",
    "new": "New subscribers",
    "reactivation": "Subscribers who came back",
    "expansion": "Subscribers who pay more",
    "contraction": "Subscribers who pay less",
    "churn": "Subscribers who left",
    "retention": "Who paid twelve months before",
}


def of_book(book: Book, figure: str, month: Month) -> Listing:
    """Who is behind MRR, a movement or retention in the month; KeyError for no such figure."""
    title = TITLES[figure]
    if figure == "mrr":
        rows = _worth(book.subscribers, month)
        return Listing(figure, title, rows, ("after",), after_label="MRR")
    if figure in MOVEMENTS:
        found = ((each.customer_id, each.step(month)) for each in book.subscribers)
        rows = [
            Row(customer_id, step.before, step.after)
            for customer_id, step in found
            if step is not None and step.movement == figure
        ]
        return Listing(figure, title, _largest(rows), ("before", "after", "change"))
    since = month.plus(-MONTHS)
    rows = [
        Row(each.customer_id, each.mrr(since), each.mrr(month))
        for each in book.subscribers
        if each.mrr(since)
    ]
    return Listing(
        figure, title, _largest(rows), ("before", "after", "change"), since.short, month.short
    )


def of_cohort(book: Book, first: Month, month: Month) -> Listing:
    """Those who paid first in `first` and pay at the end of `month`."""
    members = [each for each in book.subscribers if each.first_month == first]
    title = f"Who paid first in {first.label}, and pays"
    return Listing("cohort", title, _worth(members, month), ("after",), after_label="MRR")


def of_trials(trials: Sequence[Trial], month: Month, *, converted: bool) -> Listing:
    """Whose trial ended in the month, all or those that became paid."""
    rows = [
        Row(trial.customer_id, 0, trial.mrr)
        for trial in trials
        if trial.month == month and (trial.is_converted or not converted)
    ]
    title = "Trials that became paid" if converted else "Trials that ended"
    figure = "converted" if converted else "trials"
    return Listing(figure, title, _largest(rows), ("after",), after_label="MRR")


def not_counted(view: View, month: Month, now: datetime) -> Listing:
    """Subscriptions of which a part is in no figure, with what of them counts."""
    state, later = SubscriptionState, aliased(SubscriptionState)
    until = sa.and_(state.at < month.end, state.at <= now)
    overtaken = sa.exists().where(
        later.subscription_id == state.subscription_id,
        later.at > state.at,
        later.at < month.end,
        later.at <= now,
    )
    found = db.session.execute(
        sa.select(state.customer_id, state.currency, state.mrr).where(
            state.not_counted > 0,
            state.status == "active",
            state.currency.in_(view.currencies),
            until,
            ~overtaken,
        )
    )
    rows = [Row(customer_id, 0, view.converted(mrr, code)) for customer_id, code, mrr in found]
    return Listing(
        "not_counted", "Not counted in part", _largest(rows), ("after",), after_label="Counted MRR"
    )


def _worth(subscribers: Sequence[Subscriber], month: Month) -> list[Row]:
    rows = (Row(each.customer_id, 0, each.mrr(month)) for each in subscribers)
    return _largest([row for row in rows if row.after])


def _largest(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (-abs(row.change), -row.after, row.customer_id))

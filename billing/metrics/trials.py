"""Trials that ended, and which of them became paid."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from billing.metrics.months import Month
from billing.metrics.shares import Share
from billing.metrics.view import View
from models import SubscriptionState, db


@dataclass(frozen=True)
class Trial:
    """A trial that ended in `month`; `mrr` is what it was worth first by that month's end."""

    customer_id: str
    month: Month
    mrr: int

    @property
    def is_converted(self) -> bool:
        return self.mrr > 0


def conversion(trials: Iterable[Trial], month: Month) -> Share:
    """Those that became paid, of all that ended in the month."""
    ended = [trial for trial in trials if trial.month == month]
    return Share(sum(trial.is_converted for trial in ended), len(ended))


def ended(view: View, last: Month, now: datetime) -> list[Trial]:
    """Every trial that ended by the end of `last`, or by `now`, in the view's currencies."""
    state = SubscriptionState
    tried = sa.select(state.subscription_id).where(state.is_trial)
    rows = db.session.execute(
        sa.select(
            state.customer_id,
            state.subscription_id,
            state.currency,
            state.at,
            state.is_trial,
            state.mrr,
        )
        .where(
            state.subscription_id.in_(tried),
            state.currency.in_(view.currencies),
            state.at < last.end,
            state.at <= now,
        )
        .order_by(state.subscription_id, state.at)
    )
    found = (_of(view, list(each)) for _, each in groupby(rows, key=attrgetter("subscription_id")))
    return [trial for trial in found if trial is not None]


def _of(view: View, states: list[Any]) -> Trial | None:
    """The subscription's last trial; None while it runs."""
    last = (
        max(place for place, state in enumerate(states) if state.is_trial)
        if any(state.is_trial for state in states)
        else None
    )
    if last is None or last + 1 == len(states):
        return None
    month = Month.of(states[last + 1].at)
    paid = [state for state in states[last + 1 :] if state.mrr and Month.of(state.at) == month]
    mrr = view.converted(paid[0].mrr, paid[0].currency) if paid else 0
    return Trial(states[last].customer_id, month, mrr)

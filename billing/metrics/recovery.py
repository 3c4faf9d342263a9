"""Renewals whose payment failed once, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import sqlalchemy as sa

from billing.metrics.months import Month, number_of
from billing.metrics.shares import Share
from billing.metrics.view import View
from models import ENDED_STATUSES, FailedPayment, Invoice, Subscription, db

WON_BACK, LOST, OPEN = "won_back", "lost", "open"
OUTCOMES = (WON_BACK, LOST, OPEN)


@dataclass
class Recovery:
    """The failures of a month, by outcome: how many invoices, and their amounts, minor units."""

    month: Month
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    amounts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))

    @property
    def failed(self) -> int:
        return sum(self.counts.values())

    @property
    def amount(self) -> int:
        return sum(self.amounts.values())

    @property
    def share(self) -> Share:
        return Share(self.counts[WON_BACK], self.failed)


def by_month(view: View, months: Iterable[Month]) -> list[Recovery]:
    """What became of the failures of each of the months, which follow each other."""
    found = {month.number: Recovery(month) for month in months}
    first, last = Month(min(found)), Month(max(found))
    rows = db.session.execute(
        _failures(view, first, last).with_only_columns(
            FailedPayment.failed_at, _outcome(), Invoice.currency, Invoice.amount_due
        )
    )
    for failed_at, outcome, currency, amount in rows:
        recovery = found[number_of(failed_at)]
        recovery.counts[outcome] += 1
        recovery.amounts[outcome] += view.converted(amount, currency)
    return list(found.values())


def invoices(view: View, month: Month, outcome: str | None) -> sa.Select[tuple[Invoice]]:
    """The invoices behind a figure, the latest first; every outcome without one."""
    statement = _failures(view, month, month)
    if outcome is not None:
        statement = statement.where(_outcome() == outcome)
    return statement.order_by(FailedPayment.failed_at.desc(), Invoice.stripe_id.desc())


def _failures(view: View, first: Month, last: Month) -> sa.Select[tuple[Invoice]]:
    return (
        sa.select(Invoice)
        .join(FailedPayment, FailedPayment.invoice_id == Invoice.stripe_id)
        .join(Subscription, Subscription.stripe_id == Invoice.subscription_id, isouter=True)
        .where(
            FailedPayment.failed_at >= first.start,
            FailedPayment.failed_at < last.end,
            Invoice.currency.in_(view.currencies),
        )
    )


def _outcome() -> sa.ColumnElement[str]:
    """Open means that it may still be won back: not when its subscription is over."""
    is_over = sa.or_(
        Invoice.status.in_(["void", "uncollectible"]),
        Invoice.deleted_at.is_not(None),
        Subscription.status.in_(ENDED_STATUSES),
    )
    return sa.case((Invoice.status == "paid", WON_BACK), (is_over, LOST), else_=OPEN)

"""The report's tables as rows of a file, headings first; amounts are decimals of their currency."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from billing.exports.cells import amount, safe_text
from billing.metrics import names
from billing.metrics.book import MOVEMENTS
from billing.metrics.lists import Listing
from billing.metrics.recovery import OUTCOMES
from billing.metrics.report import Report

Rows = Iterator[list[str]]


def months(report: Report) -> Rows:
    """MRR and its movements, every month there is."""
    yield ["month", "currency", *MOVEMENTS, "change", "mrr", "subscribers"]
    for one in report.book.totals.values():
        amounts = [one.amounts[name] for name in MOVEMENTS]
        yield [
            one.month.key,
            report.view.currency.upper(),
            *(_amount(value, report) for value in (*amounts, one.change, one.mrr)),
            str(one.subscribers),
        ]


def cohorts(report: Report) -> Rows:
    """One row per cohort and month since its first."""
    yield ["cohort", "month", "currency", "subscribers", "of", "mrr"]
    for cohort in report.cohorts:
        for cell in cohort.cells:
            yield [
                cohort.month.key,
                cell.month.key,
                report.view.currency.upper(),
                str(cell.subscribers),
                str(cohort.size),
                _amount(cell.mrr, report),
            ]


def failed_payments(report: Report) -> Rows:
    """What became of each month's failed renewals."""
    counts = [f"{name}_invoices" for name in OUTCOMES]
    yield ["month", "currency", *counts, *(f"{name}_amount" for name in OUTCOMES)]
    for one in report.recoveries:
        yield [
            one.month.key,
            report.view.currency.upper(),
            *(str(one.counts[name]) for name in OUTCOMES),
            *(_amount(one.amounts[name], report) for name in OUTCOMES),
        ]


def subscribers(listing: Listing, currency: str) -> Rows:
    """The subscribers behind a figure."""
    yield ["customer_id", "name", "currency", *(f"mrr_{name}" for name in listing.shows)]
    for one in names.named(listing.rows):
        values = (getattr(one.row, name) for name in listing.shows)
        yield [
            one.row.customer_id,
            safe_text(one.name),
            currency.upper(),
            *(amount(value, currency) for value in values),
        ]


OF_REPORT: dict[str, Callable[[Report], Rows]] = {
    "months": months,
    "cohorts": cohorts,
    "failed-payments": failed_payments,
}


def _amount(value: int, report: Report) -> str:
    return amount(value, report.view.currency)

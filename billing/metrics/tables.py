"""The report's tables as CSV (RFC 4180, UTF-8): amounts as plain decimals of their currency."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator

from billing.exports.cells import safe_text
from billing.metrics import names
from billing.metrics.book import MOVEMENTS
from billing.metrics.lists import Listing
from billing.metrics.recovery import OUTCOMES
from billing.metrics.report import Report
from billing.money import to_decimal

Rows = Iterator[list[str]]


def csv_of(rows: Iterable[list[str]]) -> Iterator[str]:
    """The file in pieces."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for row in rows:
        writer.writerow(row)
        if buffer.tell() > 16_384:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


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
        amounts = (getattr(one.row, name) for name in listing.shows)
        yield [
            one.row.customer_id,
            safe_text(one.name),
            currency.upper(),
            *(f"{to_decimal(value, currency):f}" for value in amounts),
        ]


OF_REPORT: dict[str, Callable[[Report], Rows]] = {
    "months": months,
    "cohorts": cohorts,
    "failed-payments": failed_payments,
}


def _amount(value: int, report: Report) -> str:
    return f"{to_decimal(value, report.view.currency):f}"

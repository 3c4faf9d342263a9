"""An account's own invoices as CSV (RFC 4180, UTF-8), a row at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from billing.exports import cells, csv_file
from models import Invoice

COLUMNS = (
    "number",
    "date",
    "status",
    "description",
    "period_start",
    "period_end",
    "currency",
    "subtotal",
    "discount",
    "tax",
    "total",
    "amount_paid",
    "amount_remaining",
    "due_date",
    "paid_at",
    "invoice_id",
)


def rows(invoices: Iterable[Invoice]) -> Iterator[bytes]:
    """The file in pieces, the heading first. Amounts are plain decimals of their currency."""
    return csv_file.pieces(COLUMNS, map(_cells, invoices))


def _cells(invoice: Invoice) -> list[str]:
    def amount(minor: int) -> str:
        return cells.amount(minor, invoice.currency)

    return [
        cells.safe_text(invoice.number or ""),
        _day(invoice.created),
        cells.safe_text(invoice.status or ""),
        cells.safe_text("; ".join(line.description for line in invoice.lines if line.description)),
        _day(invoice.period_start),
        _day(invoice.period_end),
        invoice.currency.upper(),
        amount(invoice.subtotal),
        amount(invoice.discount),
        amount(invoice.tax),
        amount(invoice.total),
        amount(invoice.amount_paid),
        amount(invoice.amount_remaining),
        _day(invoice.due_date),
        _day(invoice.paid_at),
        invoice.stripe_id,
    ]


def _day(moment: datetime | None) -> str:
    return moment.date().isoformat() if moment else ""

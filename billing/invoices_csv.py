"""An account's own invoices as CSV (RFC 4180, UTF-8), a row at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime

from billing.money import to_decimal
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
# A spreadsheet would run a text cell that begins with one of these as a formula.
# Source: OWASP, "CSV Injection".
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def rows(invoices: Iterable[Invoice]) -> Iterator[str]:
    """The file in pieces, the heading first. Amounts are plain decimals of their currency."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for invoice in invoices:
        writer.writerow(_cells(invoice))
        if buffer.tell() > 16_384:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _cells(invoice: Invoice) -> list[str]:
    def amount(minor: int) -> str:
        return f"{to_decimal(minor, invoice.currency):f}"

    return [
        safe_text(invoice.number or ""),
        _day(invoice.created),
        safe_text(invoice.status or ""),
        safe_text("; ".join(line.description for line in invoice.lines if line.description)),
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


def safe_text(text: str) -> str:
    """The text so that no spreadsheet takes it for a formula; numbers never come through here."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _day(moment: datetime | None) -> str:
    return moment.date().isoformat() if moment else ""

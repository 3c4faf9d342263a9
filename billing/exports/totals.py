"""What the selected rows come to: never over two currencies, to the minor unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from billing.exports.credit_notes import CREDIT_NOTES, REFUNDED
from billing.exports.invoices import INVOICE_LINES, INVOICES
from billing.exports.refunds import REFUNDS
from billing.exports.rows import Rows
from billing.exports.selection import OfCreditNotes, OfInvoices, OfRefunds, Selection
from billing.invoice_parts import PARTS
from models import CreditNote, Invoice, Refund, db

# What the list of invoices adds up; a part that is asked for comes beside them.
SHOWN = ("total", "credited", "voided", "uncollectible", "paid", "open")


@dataclass(frozen=True)
class Total:
    """One currency: how many rows, and their amounts by name in minor units."""

    currency: str
    count: int
    amounts: dict[str, int]


def of_invoices(selection: OfInvoices) -> list[Total]:
    names = list(dict.fromkeys((*SHOWN, selection.part or "total")))
    return _summed(INVOICES, selection, {name: PARTS[name].of for name in names})


def of_credit_notes(selection: OfCreditNotes) -> list[Total]:
    return _summed(
        CREDIT_NOTES,
        selection,
        {
            "total": CreditNote.total,
            "before_payment": CreditNote.pre_payment_amount,
            "after_payment": CreditNote.post_payment_amount,
            "by_refund": REFUNDED,
            "off_stripe": CreditNote.out_of_band_amount,
        },
    )


def of_refunds(selection: OfRefunds) -> list[Total]:
    return _summed(REFUNDS, selection, {"amount": Refund.amount})


def lines(selection: OfInvoices) -> int:
    """How many lines the selected invoices have."""
    found = select(func.count()).select_from(INVOICE_LINES.source)
    return db.session.scalar(found.where(*selection.conditions())) or 0


def parts_of(invoices: Sequence[Invoice], part: str) -> dict[str, int]:
    """That part of each invoice, by id."""
    found = db.session.execute(
        select(Invoice.stripe_id, PARTS[part].of).where(
            Invoice.stripe_id.in_([one.stripe_id for one in invoices])
        )
    )
    return {stripe_id: int(amount) for stripe_id, amount in found}


def _summed(rows: Rows, selection: Selection, amounts: dict[str, Any]) -> list[Total]:
    found = db.session.execute(
        select(rows.currency, func.count(), *(func.sum(each) for each in amounts.values()))
        .select_from(rows.source)
        .where(*selection.conditions())
        .group_by(rows.currency)
        .order_by(rows.currency)
    )
    # PostgreSQL sums whole numbers as decimals.
    return [
        Total(currency, count, dict(zip(amounts, map(int, sums), strict=True)))
        for currency, count, *sums in found
    ]

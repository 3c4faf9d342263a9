"""Rows about refunds; `invoice_id` and `credit_note_id` join them to the other exports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, outerjoin, select
from sqlalchemy.orm import defer

from billing.exports.rows import Column, Rows, listed
from models import CreditNote, CreditNoteRefund, Invoice, InvoicePayment, Purchase, Refund, db


# A payment may pay several invoices and a refund stand in several credit notes, though mostly one.
def _of_invoices(column: Any) -> Any:
    return listed(
        select(column)
        .select_from(InvoicePayment)
        .join(Invoice, Invoice.stripe_id == InvoicePayment.invoice_id)
        .where(InvoicePayment.payment_intent_id == Refund.payment_intent_id),
        Refund,
    )


_STANDS_IN = listed(
    select(CreditNote.stripe_id)
    .select_from(CreditNoteRefund)
    .join(CreditNote, CreditNote.stripe_id == CreditNoteRefund.credit_note_id)
    .where(CreditNoteRefund.refund_id == Refund.stripe_id, CreditNote.status == "issued"),
    Refund,
)

REFUNDS = Rows(
    "refunds",
    "One row for each refund",
    (
        Column("refund_id", "text", "Stripe's id of the refund.", Refund.stripe_id),
        Column(
            "status", "text", "pending, requires_action, succeeded, failed or canceled.",
            Refund.status,
        ),
        Column("refund_date", "day", "The day it was made.", Refund.created),
        Column("created_at", "moment", "When it was made.", Refund.created),
        Column("reason", "text", "Why, in Stripe's word.", Refund.reason),
        Column("failure_reason", "text", "Why it failed, in Stripe's word.", Refund.failure_reason),
        Column(
            "payment_intent_id", "text", "Stripe's id of the payment that was refunded.",
            Refund.payment_intent_id,
        ),
        Column("charge_id", "text", "Stripe's id of that payment's charge.", Refund.charge_id),
        Column(
            "invoice_id", "text", "Stripe's id of the invoice that was paid; several by a comma.",
            _of_invoices(Invoice.stripe_id),
        ),
        Column(
            "invoice_number", "text", "That invoice's number; several by a comma.",
            _of_invoices(Invoice.number),
        ),
        Column(
            "credit_note_id", "text",
            "Stripe's id of the credit note that stands for it; empty for a refund without one.",
            _STANDS_IN,
        ),
        Column(
            "purchase_id", "text", "The purchase it gives back, for what was bought once.",
            Purchase.id,
        ),
        Column(
            "customer_name", "text", "Who was billed, by the name on the invoice.",
            _of_invoices(func.coalesce(Invoice.customer_name, Invoice.customer_email)),
        ),
        Column("currency", "text", "The currency of the amount.", Refund.currency),
        Column("amount", "amount", "What was given back.", Refund.amount),
    ),
    outerjoin(Refund, Purchase, Purchase.payment_intent_id == Refund.payment_intent_id),
    Refund.currency,
)  # fmt: skip


@dataclass(frozen=True)
class Origin:
    """What a refund gives back: an invoice, or the name of what was bought once."""

    invoice: Invoice | None = None
    purchase: str = ""
    credit_note: str = ""


def origins_of(refunds: Sequence[Refund]) -> dict[str, Origin]:
    """What each of those refunds is of, by the refund's id."""
    ids = [refund.stripe_id for refund in refunds]
    found = db.session.execute(
        select(Refund.stripe_id, Invoice, Purchase.name, _STANDS_IN)
        .select_from(REFUNDS.source)
        .outerjoin(InvoicePayment, InvoicePayment.payment_intent_id == Refund.payment_intent_id)
        .outerjoin(Invoice, Invoice.stripe_id == InvoicePayment.invoice_id)
        .where(Refund.stripe_id.in_(ids))
        .options(defer(Invoice.data))
    )
    return {
        refund_id: Origin(invoice, purchase or "", note or "")
        for refund_id, invoice, purchase, note in found
    }

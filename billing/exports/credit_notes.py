"""Rows about credit notes; `invoice_id` joins them to invoices, `credit_note_id` to refunds."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, outerjoin, select
from sqlalchemy.orm import defer

from billing.exports.rows import Column, Rows
from models import Account, CreditNote, CreditNoteRefund, Invoice, db

REFUNDED = (
    select(func.coalesce(func.sum(CreditNoteRefund.amount_refunded), 0))
    .where(CreditNoteRefund.credit_note_id == CreditNote.stripe_id)
    .correlate(CreditNote)
    .scalar_subquery()
)

CREDIT_NOTES = Rows(
    "credit_notes",
    "One row for each credit note",
    (
        Column("credit_note_id", "text", "Stripe's id of the credit note.", CreditNote.stripe_id),
        Column(
            "credit_note_number", "text", "The number printed on the credit note.",
            CreditNote.number,
        ),
        Column("status", "text", "issued or void.", CreditNote.status),
        Column(
            "credit_note_date", "day", "The date of issue printed on the credit note.",
            func.coalesce(CreditNote.effective_at, CreditNote.created),
        ),
        Column("created_at", "moment", "When it was issued.", CreditNote.created),
        Column("voided_at", "moment", "When it was voided.", CreditNote.voided_at),
        Column("reason", "text", "Why, in Stripe's word.", CreditNote.reason),
        Column("invoice_id", "text", "Stripe's id of the invoice.", CreditNote.invoice_id),
        Column("invoice_number", "text", "The invoice's number.", Invoice.number),
        Column(
            "invoice_finalized_at", "moment", "When the invoice was finalised.",
            Invoice.finalized_at,
        ),
        Column("customer_id", "text", "Stripe's id of the customer.", CreditNote.customer_id),
        Column(
            "customer_name", "text", "Who was billed, by the name on the invoice.",
            func.coalesce(Invoice.customer_name, Account.name, Invoice.customer_email),
        ),
        Column("currency", "text", "The currency of every amount of the row.", CreditNote.currency),
        Column(
            "net", "amount", "What was credited, without tax.",
            func.coalesce(CreditNote.total_excluding_tax, CreditNote.total),
        ),
        Column(
            "tax", "amount", "The tax that was credited.",
            CreditNote.total - func.coalesce(CreditNote.total_excluding_tax, CreditNote.total),
        ),
        Column("total", "amount", "What was credited, tax included.", CreditNote.total),
        Column(
            "before_payment", "amount", "The part that lowered what was due on the invoice.",
            CreditNote.pre_payment_amount,
        ),
        Column(
            "after_payment", "amount",
            "The part given back after payment: by refund, to the balance or outside Stripe.",
            CreditNote.post_payment_amount,
        ),
        Column("by_refund", "amount", "Of after_payment, what refunds gave back.", REFUNDED),
        Column(
            "to_balance", "amount", "Of after_payment, what went into the customer's balance.",
            CreditNote.post_payment_amount - CreditNote.out_of_band_amount - REFUNDED,
        ),
        Column(
            "off_stripe", "amount", "Of after_payment, what was given back outside Stripe.",
            CreditNote.out_of_band_amount,
        ),
    ),
    outerjoin(
        outerjoin(CreditNote, Invoice, Invoice.stripe_id == CreditNote.invoice_id),
        Account,
        Account.stripe_customer_id == CreditNote.customer_id,
    ),
    CreditNote.currency,
)  # fmt: skip


def invoices_of(notes: Sequence[CreditNote]) -> dict[str, Invoice]:
    """The invoices of those credit notes that the mirror holds, by id."""
    ids = {note.invoice_id for note in notes}
    found = db.session.scalars(
        select(Invoice).where(Invoice.stripe_id.in_(ids)).options(defer(Invoice.data))
    )
    return {invoice.stripe_id: invoice for invoice in found}

"""What an invoice's payer got back: refunds, and credit notes with what became of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from models import CreditNote, Invoice, Refund, db

# Refunds that did not reach anybody.
FAILED = frozenset({"failed", "canceled"})


@dataclass(frozen=True)
class Row:
    """One credit note or refund; `amount` is minor units of the invoice's currency.

    `kind` is refund or credit_note. A credit note's amount was refunded, became credit for later
    invoices, was paid otherwise, or came off what was due: `refunded`, `credited`, `elsewhere` and
    `taken_off` add up to it.
    """

    kind: str
    on: datetime | None
    amount: int
    status: str | None
    stripe_id: str = ""
    # Why a refund did not arrive, in Stripe's word.
    failure: str | None = None
    label: str = ""
    pdf: str | None = None
    refunded: int = 0
    credited: int = 0
    elsewhere: int = 0
    taken_off: int = 0


def rows(invoice: Invoice) -> list[Row]:
    """Everything given back on an invoice, the oldest first.

    A refund that a credit note made stands beside it: the note says why, the refund says whether
    the money has gone.
    """
    notes = db.session.scalars(
        select(CreditNote).where(
            CreditNote.invoice_id == invoice.stripe_id, CreditNote.deleted_at.is_(None)
        )
    ).all()
    found = [_note(each) for each in notes]
    found += [_refund(each) for each in _refunds([invoice])]
    return sorted(found, key=lambda row: (row.on.timestamp() if row.on else 0, row.kind))


def refunded(invoices: Sequence[Invoice]) -> dict[str, int]:
    """How much of each invoice's payments was refunded, minor units, by the invoice's id."""
    owner = {intent: i.stripe_id for i in invoices for intent in _payment_intents(i)}
    totals: dict[str, int] = {}
    for refund in _refunds(invoices):
        if refund.status not in FAILED and refund.payment_intent_id in owner:
            invoice_id = owner[refund.payment_intent_id]
            totals[invoice_id] = totals.get(invoice_id, 0) + refund.amount
    return totals


def _payment_intents(invoice: Invoice) -> list[str]:
    payments = (invoice.data.get("payments") or {}).get("data") or []
    found = (one["payment"].get("payment_intent") for one in payments)
    return [intent for intent in found if isinstance(intent, str)]


def _refunds(invoices: Iterable[Invoice]) -> Sequence[Refund]:
    intents = [intent for invoice in invoices for intent in _payment_intents(invoice)]
    if not intents:
        return []
    return db.session.scalars(
        select(Refund).where(Refund.payment_intent_id.in_(intents), Refund.deleted_at.is_(None))
    ).all()


def _note(note: CreditNote) -> Row:
    refunds = sum(one["amount_refunded"] for one in note.data.get("refunds") or [])
    return Row(
        "credit_note",
        note.created,
        note.total,
        note.status,
        stripe_id=note.stripe_id,
        label=note.number,
        pdf=note.pdf,
        refunded=refunds,
        credited=note.post_payment_amount - refunds - note.out_of_band_amount,
        elsewhere=note.out_of_band_amount,
        taken_off=note.pre_payment_amount,
    )


def _refund(refund: Refund) -> Row:
    return Row(
        "refund",
        refund.created,
        refund.amount,
        refund.status,
        stripe_id=refund.stripe_id,
        failure=refund.failure_reason,
    )

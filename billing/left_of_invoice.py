"""What is left of an invoice: to refund of each payment, to credit of it and of each line.

Told from the mirror, which `refresh` brings up to date. Stripe's docs, "Refund and cancel
payments" and "Credit notes": refunds of a payment never exceed it, credit notes never the total.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import select

from billing import sync
from billing.clock import from_unix
from billing.gateway import credit_notes as note_gateway
from billing.gateway import refunds as refund_gateway
from billing.given_back import FAILED
from models import CreditNote, Invoice, InvoiceLine, PaymentMethod, Refund, db


@dataclass(frozen=True)
class Paid:
    """One payment towards the invoice, minor units; `refunded` counts what is on its way too."""

    payment_intent_id: str
    amount: int
    refunded: int
    at: datetime | None
    # None where the mirror was not told which one paid, as in a backfill.
    method_id: str | None
    method: PaymentMethod | None

    @property
    def left(self) -> int:
        return max(self.amount - self.refunded, 0)


@dataclass(frozen=True)
class CreditableLine:
    """A line of the invoice with what credit notes have taken off it before tax."""

    line: InvoiceLine
    credited: int

    @property
    def left(self) -> int:
        return max(self.line.amount - self.credited, 0)

    @property
    def quantity_left(self) -> int | None:
        """How many of it can still be credited; None where it is credited by an amount."""
        count = self.line.quantity or 1
        if count < 2 or not self.line.amount:
            return None
        return int(Fraction(self.left * count, self.line.amount))


@dataclass(frozen=True)
class Left:
    """Minor units of the invoice's currency.

    `to_credit` is what credit notes can still take off; `without_note` is what was refunded and no
    credit note stands for.
    """

    payments: tuple[Paid, ...]
    to_credit: int
    without_note: tuple[tuple[str, int], ...]
    lines: tuple[CreditableLine, ...]

    @property
    def to_refund(self) -> int:
        return sum(each.left for each in self.payments)

    @property
    def refunded(self) -> int:
        return sum(each.refunded for each in self.payments)

    @property
    def refunded_without_note(self) -> int:
        return sum(amount for _, amount in self.without_note)


def of(invoice: Invoice) -> Left:
    """What is left of the invoice, as the mirror has it."""
    notes = _issued(invoice)
    refunds = _refunds(invoice)
    to_credit = invoice.total - sum(note.total for note in notes)
    if not invoice.is_paid:
        to_credit = min(to_credit, invoice.amount_remaining)
    can_be_credited = invoice.status in {"open", "paid", "uncollectible"}
    return Left(
        payments=tuple(_payments(invoice, refunds)),
        to_credit=max(to_credit, 0) if can_be_credited else 0,
        without_note=tuple(_without_note(refunds, notes)),
        lines=tuple(CreditableLine(line, _credited(line, notes)) for line in invoice.lines),
    )


def state(invoice_id: str) -> dict[str, Any]:
    """What an agreement about the invoice rests on."""
    invoice = db.session.get_one(Invoice, invoice_id)
    left = of(invoice)
    return {
        "status": invoice.status,
        "remaining": invoice.amount_remaining,
        "to_credit": left.to_credit,
        "to_refund": left.to_refund,
        "refunded": left.refunded,
        "processing": invoice.is_processing,
    }


def refresh(invoice_id: str) -> None:
    """Pulls the invoice with everything that was given back on it, and its customer."""
    invoice: Invoice = sync.pull("invoice", invoice_id)
    for intent in payment_intents(invoice):
        for refund_id in refund_gateway.of(intent):
            sync.pull("refund", refund_id)
    for note in note_gateway.of(invoice_id):
        sync.pull("credit_note", note.id)
    sync.pull("customer", invoice.customer_id)
    if invoice.subscription_id is not None:
        sync.pull("subscription", invoice.subscription_id)


def payment_intents(invoice: Invoice) -> list[str]:
    """The ids of the payments that paid it."""
    return [one["payment"]["payment_intent"] for one in _paid(invoice)]


def _paid(invoice: Invoice) -> list[dict[str, Any]]:
    found = (invoice.data.get("payments") or {}).get("data") or []
    return [
        one
        for one in found
        if one["status"] == "paid" and isinstance(one["payment"].get("payment_intent"), str)
    ]


def _payments(invoice: Invoice, refunds: Sequence[Refund]) -> list[Paid]:
    return [
        Paid(
            payment_intent_id=one["payment"]["payment_intent"],
            amount=one["amount_paid"] or 0,
            refunded=sum(
                refund.amount
                for refund in refunds
                if refund.payment_intent_id == one["payment"]["payment_intent"]
            ),
            at=from_unix((one.get("status_transitions") or {}).get("paid_at") or one["created"]),
            method_id=one["payment"].get("payment_method"),
            method=db.session.get(PaymentMethod, one["payment"].get("payment_method") or ""),
        )
        for one in _paid(invoice)
    ]


def _refunds(invoice: Invoice) -> Sequence[Refund]:
    """The refunds that reached somebody or are on their way."""
    intents = payment_intents(invoice)
    if not intents:
        return []
    found = db.session.scalars(
        select(Refund)
        .where(Refund.payment_intent_id.in_(intents), Refund.deleted_at.is_(None))
        .order_by(Refund.created, Refund.stripe_id)
    ).all()
    return [refund for refund in found if refund.status not in FAILED]


def _issued(invoice: Invoice) -> Sequence[CreditNote]:
    return db.session.scalars(
        select(CreditNote).where(
            CreditNote.invoice_id == invoice.stripe_id,
            CreditNote.status == "issued",
            CreditNote.deleted_at.is_(None),
        )
    ).all()


def _without_note(refunds: Sequence[Refund], notes: Sequence[CreditNote]) -> list[tuple[str, int]]:
    named: dict[str, int] = {}
    for note in notes:
        for one in note.data.get("refunds") or []:
            refund = one["refund"] if isinstance(one["refund"], str) else one["refund"]["id"]
            named[refund] = named.get(refund, 0) + one["amount_refunded"]
    found = [(each.stripe_id, each.amount - named.get(each.stripe_id, 0)) for each in refunds]
    return [(refund_id, amount) for refund_id, amount in found if amount > 0]


def _credited(line: InvoiceLine, notes: Sequence[CreditNote]) -> int:
    return sum(
        one["amount"]
        for note in notes
        for one in (note.data.get("lines") or {}).get("data") or []
        if one.get("invoice_line_item") == line.stripe_id
    )

"""Renewals whose payment failed: noted when it is seen, or told by what the invoice shows since.

An invoice's `attempt_count` counts automatic attempts only (Stripe's docs, "The Invoice object"):
one that failed once and was then paid by hand looks like one paid at once, except that it was paid
later than it was finalized, when Stripe charges first. A bank debit is paid later without failing.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from billing import first_failure as first_failure  # notes refused debits before us
from billing import sync
from models import DelayedPayment, FailedPayment, Invoice, Subscription, db

# Far longer than a card's payment takes, and shorter than anybody waits before paying by hand.
AT_ONCE = timedelta(hours=1)
ANSWERED_AT_ONCE = frozenset({"card", "link"})
BATCH = 500


@sync.observer
def note(written: sync.Written) -> None:
    """Notes that a renewal's payment failed, the first time it shows."""
    if written.kind == "invoice":
        _note(written.row)


def find_all() -> None:
    """Notes every failure that the mirror's invoices show; commits."""
    last = ""
    while invoices := db.session.scalars(
        sa.select(Invoice)
        .where(Invoice.billing_reason == "subscription_cycle", Invoice.stripe_id > last)
        .order_by(Invoice.stripe_id)
        .limit(BATCH)
    ).all():
        last = invoices[-1].stripe_id
        for invoice in invoices:
            _note(invoice)
        db.session.commit()


def _note(invoice: Invoice) -> None:
    if not _shows_failure(invoice) or db.session.get(FailedPayment, invoice.stripe_id):
        return
    failed_at = _first_failed_at(invoice)
    if failed_at is not None:
        db.session.add(FailedPayment(invoice_id=invoice.stripe_id, failed_at=failed_at))


def _shows_failure(invoice: Invoice) -> bool:
    is_renewal = (
        invoice.billing_reason == "subscription_cycle"
        and invoice.collection_method == "charge_automatically"
        and invoice.amount_due > 0
        and invoice.deleted_at is None
    )
    if not is_renewal or not invoice.attempt_count or invoice.is_processing:
        return False
    return invoice.attempt_count > 1 or not invoice.is_paid or _was_paid_late(invoice)


def _was_paid_late(invoice: Invoice) -> bool:
    paid, finalized = invoice.paid_at, invoice.finalized_at
    if paid is None or finalized is None or paid - finalized <= AT_ONCE:
        return False
    delayed = db.session.get(DelayedPayment, invoice.stripe_id)
    if delayed is not None:
        return delayed.refused_at is not None
    subscription = db.session.get(Subscription, invoice.subscription_id or "")
    method = subscription.payment_method if subscription else None
    return method is None or method.type in ANSWERED_AT_ONCE


def _first_failed_at(invoice: Invoice) -> datetime | None:
    """Stripe charges when it finalizes; a debit is refused days later."""
    delayed = db.session.get(DelayedPayment, invoice.stripe_id)
    return (delayed and delayed.refused_at) or invoice.finalized_at or invoice.created

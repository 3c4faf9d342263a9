"""When a subscription's payment first failed: the day its grace period is counted from.

Stripe's objects do not name that moment: `attempt_count` and `next_payment_attempt` move with
each retry, and the subscription's status does not say since when it is past due. What does not
move is when an invoice was finalized, and Stripe charges it for the first time right then
(Stripe's docs, "Status transitions and finalization"); an invoice that is sent instead is late
from its due date. A bank debit is the exception: it is on its way for days before it is refused,
so the moment the mirror learnt of that is kept (`DelayedPayment`), once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from billing import owed, sync
from billing.clock import now
from billing.owed import FAILED
from models import DelayedPayment, Invoice, Subscription, db


@dataclass(frozen=True)
class FirstFailure:
    """The first failure that is still not made good, and the invoice it was of, if known."""

    at: datetime
    invoice: Invoice | None


def first_failure(subscription: Subscription) -> FirstFailure | None:
    """The earliest failure among the subscription's unpaid invoices; None when nothing tells.

    Paying the oldest moves it to the next open one. While the mirror has heard of no open
    invoice, the present period's begin stands in: a renewal is charged soon after it.
    """
    found = [
        FirstFailure(at, one)
        for one in owed.of_subscription(subscription)
        if (at := _failed_at(one))
    ]
    if found:
        return min(found, key=lambda failure: failure.at)
    begun = subscription.current_period_start
    return FirstFailure(begun, None) if begun else None


def _failed_at(invoice: Invoice) -> datetime | None:
    """When the invoice was first not paid; None while its first payment is on its way."""
    if invoice.collection_method == "send_invoice" and invoice.due_date is not None:
        return invoice.due_date
    delayed = db.session.get(DelayedPayment, invoice.stripe_id)
    if delayed is not None:
        return delayed.refused_at
    return invoice.finalized_at or invoice.created


@sync.observer
def remember_delayed_payments(written: sync.Written) -> None:
    """Keeps when a payment was seen on its way, and when it was first refused.

    A second payment may be on its way by the time a first refusal is heard of; that the
    subscription is past due tells of it then.
    """
    if written.kind == "invoice":
        _remember(written.row)
    elif written.kind == "subscription" and written.row.status in FAILED:
        for invoice in owed.of_subscription(written.row):
            _remember(invoice)


def _remember(invoice: Invoice) -> None:
    known = db.session.get(DelayedPayment, invoice.stripe_id)
    has_failed = _has_failed(invoice)
    if known is None and invoice.is_processing and not has_failed:
        db.session.add(DelayedPayment(invoice_id=invoice.stripe_id, seen_at=now()))
    elif known is not None and known.refused_at is None and has_failed:
        known.refused_at = now()


def _has_failed(invoice: Invoice) -> bool:
    """Whether a payment of it was refused, even where another is on its way by now."""
    if invoice.is_open and not invoice.is_processing:
        return True
    subscription = db.session.get(Subscription, invoice.subscription_id or "")
    return invoice.is_open and subscription is not None and subscription.status in FAILED

"""Mails about an invoice's payment: received, refused, to be confirmed, on its way."""

from __future__ import annotations

from typing import Any

from billing import access, deep_links, recent_invoices
from billing.clock import now
from billing.deep_links import Destination
from billing.facts.invoice import outcome_of
from billing.notices.sending import notice
from billing.outbox import NotNeeded
from models import Account, Invoice, OutboxEntry, PaymentMethod, Subscription, db


@notice("receipt")
def receipt(entry: OutboxEntry, account: Account) -> dict[str, Any]:
    invoice = _invoice(entry)
    if not invoice.is_paid:
        raise NotNeeded("the invoice is not paid any more")
    return _about(invoice, account)


@notice("payment_failed")
def payment_failed(entry: OutboxEntry, account: Account) -> dict[str, Any]:
    invoice = _still(entry, "payment_failed")
    subscription = _subscription(invoice)
    return {
        **_about(invoice, account),
        "decision": access.decide(account, now()),
        "subscription": subscription,
        "is_first_payment": subscription is not None and subscription.status == "incomplete",
    }


@notice("bank_confirmation")
def bank_confirmation(entry: OutboxEntry, account: Account) -> dict[str, Any]:
    invoice = _still(entry, "bank_confirmation")
    link = deep_links.url(account.id, Destination.BANK_CONFIRMATION, invoice.stripe_id)
    decision = access.decide(account, now())
    return {**_about(invoice, account), "decision": decision, "link": link}


@notice("debit_started")
def debit_started(entry: OutboxEntry, account: Account) -> dict[str, Any]:
    return _about(_still(entry, "debit_started"), account)


def _about(invoice: Invoice, account: Account) -> dict[str, Any]:
    return {
        "invoice": invoice,
        "title": recent_invoices.title(invoice),
        "period": _period(invoice),
        "method": _method(invoice),
        "link": deep_links.url(account.id, Destination.INVOICE, invoice.stripe_id),
    }


def _invoice(entry: OutboxEntry) -> Invoice:
    invoice = db.session.get(Invoice, entry.payload["invoice_id"])
    if invoice is None or invoice.deleted_at is not None:
        raise NotNeeded("the invoice is gone")
    return invoice


def _still(entry: OutboxEntry, kind: str) -> Invoice:
    """The invoice, when the attempt that the entry tells of is still the latest word on it."""
    invoice = _invoice(entry)
    latest = outcome_of(invoice)
    if latest.kind != kind:
        raise NotNeeded(f"the invoice is {latest.kind or invoice.status} by now")
    if latest.attempt != entry.payload["attempt"]:
        raise NotNeeded(f"there was attempt {latest.attempt} since")
    if _waits_on_page(invoice):
        raise NotNeeded("it is a change of plan that was not made")
    return invoice


def _waits_on_page(invoice: Invoice) -> bool:
    """Whether it would pay for a change that is offered again on the page; it is not owed."""
    subscription = _subscription(invoice)
    pending = subscription is not None and subscription.data.get("pending_update")
    return bool(pending) and invoice.billing_reason == "subscription_update"


def _subscription(invoice: Invoice) -> Subscription | None:
    found = invoice.subscription_id and db.session.get(Subscription, invoice.subscription_id)
    return found or None


def _period(invoice: Invoice) -> tuple[Any, Any] | None:
    """First and last moment of what a single line bills; None for several or for no time."""
    if len(invoice.lines) != 1:
        return None
    start, end = invoice.lines[0].period_start, invoice.lines[0].period_end
    return (start, end) if start and end and start.date() < end.date() else None


def _method(invoice: Invoice) -> PaymentMethod | None:
    """What the latest payment that we know of went to, or was refused for."""
    refused = (invoice.decline or {}).get("payment_method")
    payments = (invoice.data.get("payments") or {}).get("data") or []
    tried = [one["payment"].get("payment_method") for one in payments]
    ids = [method_id for method_id in (*tried, refused) if method_id]
    return db.session.get(PaymentMethod, ids[-1]) if ids else None

"""Mails about money given back."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from billing import deep_links
from billing.deep_links import Destination
from billing.notices.sending import notice
from billing.outbox import NotNeeded
from billing.sync.fields import id_of
from models import Account, CreditNote, Invoice, OutboxEntry, Refund, db


@notice("refund")
def refund(entry: OutboxEntry, account: Account) -> dict[str, Any]:
    found = _refund(entry)
    if found.status != "succeeded":
        raise NotNeeded(f"the refund is {found.status} by now")
    if _told_by_credit_note(found, account):
        raise NotNeeded("its credit note tells it")
    return _about(found, account)


@notice("refund_failed")
def refund_failed(entry: OutboxEntry, account: Account) -> dict[str, Any]:
    found = _refund(entry)
    if found.status != "failed":
        raise NotNeeded(f"the refund is {found.status} by now")
    return _about(found, account)


def _refund(entry: OutboxEntry) -> Refund:
    found = db.session.get(Refund, entry.payload["refund_id"])
    if found is None or found.deleted_at is not None:
        raise NotNeeded("the refund is gone")
    return found


def _about(refund: Refund, account: Account) -> dict[str, Any]:
    invoice = _invoice(refund, account)
    charge = refund.data.get("charge_details") or {}
    link = (
        deep_links.url(account.id, Destination.INVOICE, invoice.stripe_id)
        if invoice is not None
        else deep_links.url(account.id, Destination.INVOICES)
    )
    return {
        "refund": refund,
        "invoice": invoice,
        "charge_amount": charge.get("amount"),
        "what_for": charge.get("description"),
        # In the fields that the templates' `method_name` reads.
        "method": charge if charge.get("type") else None,
        "link": link,
    }


def _invoice(refund: Refund, account: Account) -> Invoice | None:
    """The account's invoice that the refunded payment paid."""
    if refund.payment_intent_id is None:
        return None
    invoices = db.session.scalars(
        select(Invoice)
        .where(Invoice.customer_id == account.stripe_customer_id, Invoice.deleted_at.is_(None))
        .order_by(Invoice.created.desc())
    )
    return next((one for one in invoices if refund.payment_intent_id in _intents(one)), None)


def _intents(invoice: Invoice) -> set[str | None]:
    payments = (invoice.data.get("payments") or {}).get("data") or []
    return {id_of(one["payment"].get("payment_intent")) for one in payments}


def _told_by_credit_note(refund: Refund, account: Account) -> bool:
    notes = db.session.scalars(
        select(CreditNote).where(
            CreditNote.customer_id == account.stripe_customer_id, CreditNote.status == "issued"
        )
    )
    return any(
        id_of(one.get("refund")) == refund.stripe_id
        for note in notes
        for one in note.data.get("refunds") or []
    )

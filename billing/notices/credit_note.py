"""The mail about something taken off an invoice."""

from __future__ import annotations

from typing import Any

from billing import deep_links
from billing.deep_links import Destination
from billing.notices.sending import notice
from billing.outbox import NotNeeded
from models import Account, CreditNote, Invoice, OutboxEntry, db


@notice("credit_note")
def credit_note(entry: OutboxEntry, account: Account) -> dict[str, Any]:
    note = db.session.get(CreditNote, entry.payload["credit_note_id"])
    if note is None or note.status != "issued":
        raise NotNeeded("the credit note is void or gone")
    refunded = sum(one["amount_refunded"] for one in note.data.get("refunds") or [])
    return {
        "note": note,
        "invoice": db.session.get(Invoice, note.invoice_id),
        "refunded": refunded,
        # The rest of what was paid for goes to the balance, but for what was settled elsewhere.
        "to_balance": max(note.post_payment_amount - refunded - note.out_of_band_amount, 0),
        "link": deep_links.url(account.id, Destination.INVOICE, note.invoice_id),
    }

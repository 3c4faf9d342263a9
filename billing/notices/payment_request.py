"""The mail by which staff ask for a payment, or for another way to pay."""

from __future__ import annotations

from typing import Any

from billing import deep_links
from billing.deep_links import Destination
from billing.notices.sending import notice
from billing.outbox import NotNeeded
from models import Account, Invoice, OutboxEntry, db


@notice("payment_request")
def payment_request(entry: OutboxEntry, account: Account) -> dict[str, Any]:
    invoice_id = entry.payload["invoice_id"]
    if invoice_id is None:
        method = account.subscription.payment_method if account.subscription else None
        link = deep_links.url(account.id, Destination.NEW_PAYMENT_METHOD)
        return {"invoice": None, "method": method, "link": link}
    invoice = db.session.get(Invoice, invoice_id)
    if invoice is None or not invoice.can_be_paid:
        raise NotNeeded("there is nothing to pay on the invoice any more")
    link = deep_links.url(account.id, Destination.INVOICE, invoice_id)
    return {"invoice": invoice, "method": None, "link": link}

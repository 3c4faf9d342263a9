"""Asking an account to pay or to mend its way of paying: a mail with a link, sent by staff."""

from __future__ import annotations

from billing import outbox, owed
from billing.audit import record
from models import Account, Invoice, db

KIND = "payment_request"


def choices(account: Account) -> list[Invoice]:
    """The invoices that the mail can ask for, the oldest first."""
    return owed.invoices(account.stripe_customer_id)


def send(account: Account, invoice: Invoice | None, *, attempt: str) -> bool:
    """Has the mail sent, once for the same `attempt`; False when it was asked for already.

    Without an invoice it asks for another payment method.
    """
    is_new = outbox.put(
        KIND,
        f"{KIND}:{account.id}:{attempt}",
        account_id=account.id,
        invoice_id=invoice.stripe_id if invoice else None,
    )
    if is_new:
        record(
            "payment_link.sent",
            invoice.stripe_id if invoice else account.stripe_customer_id,
            after={
                "amount": invoice.amount_remaining if invoice else None,
                "currency": invoice.currency if invoice else None,
            },
            account_id=account.id,
        )
    db.session.commit()
    return is_new

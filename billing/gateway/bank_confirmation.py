"""What a browser needs to confirm an invoice's payment with the bank."""

from __future__ import annotations

from billing.gateway.client import translated, v1


def client_secret(invoice_id: str) -> str | None:
    """The secret of the invoice's payment, for Stripe.js alone; None when nothing is due.

    It confirms this one payment and is kept nowhere.
    """
    with translated():
        found = v1().invoices.retrieve(invoice_id, {"expand": ["confirmation_secret"]})
    return found.confirmation_secret.client_secret if found.confirmation_secret else None

"""Paying an open invoice."""

from __future__ import annotations

import stripe

from billing.gateway.client import translated, v1


def pay(
    invoice_id: str, *, payment_method_id: str, idempotency_key: str, off_session: bool = False
) -> stripe.Invoice:
    """The invoice after the attempt; a bank debit leaves it open until the money arrives.

    The payer is present, so that the bank may ask them to confirm, unless it is `off_session`.
    Raises CardDeclined and AuthenticationNeeded; InvalidRequest when it is paid or void already.
    """
    with translated():
        return v1().invoices.pay(
            invoice_id,
            {"payment_method": payment_method_id, "off_session": off_session},
            {"idempotency_key": idempotency_key},
        )

"""Ending an open invoice without a payment through Stripe."""

from __future__ import annotations

import stripe

from billing.gateway.client import translated, v1


def void(invoice_id: str, *, idempotency_key: str) -> stripe.Invoice:
    """The invoice, void. InvalidRequest when it is neither open nor given up."""
    with translated():
        return v1().invoices.void_invoice(invoice_id, {}, {"idempotency_key": idempotency_key})


def mark_uncollectible(invoice_id: str, *, idempotency_key: str) -> stripe.Invoice:
    """The invoice, given up; it can still be paid. InvalidRequest when it is not open."""
    with translated():
        return v1().invoices.mark_uncollectible(
            invoice_id, {}, {"idempotency_key": idempotency_key}
        )


def paid_out_of_band(invoice_id: str, *, idempotency_key: str) -> stripe.Invoice:
    """The invoice, marked as paid elsewhere; nothing is charged."""
    with translated():
        return v1().invoices.pay(
            invoice_id, {"paid_out_of_band": True}, {"idempotency_key": idempotency_key}
        )

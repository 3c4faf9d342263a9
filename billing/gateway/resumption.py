"""Resuming a paused subscription: what it charges, and doing it."""

from __future__ import annotations

from billing.gateway.client import translated, v1
from billing.gateway.plan_change import ASKED_ONCE, Changed, Preview


def preview(subscription_id: str) -> Preview:
    """The invoice that resuming now would make: a whole period from today, less any credit."""
    with translated():
        return v1().invoices.create_preview(
            {
                "subscription": subscription_id,
                "subscription_details": {
                    "resume_at": "now",
                    "billing_cycle_anchor": {"type": "now"},
                },
            },
            ASKED_ONCE,
        )


def create(subscription_id: str, *, idempotency_key: str) -> Changed:
    """The subscription after its first period was charged, or still paused when it was not.

    Then it holds a `pending_update` beside an open invoice, and resumes when that is paid: no
    debt comes of a failed resumption (Stripe's docs, "Pause subscriptions", payment behavior).
    InvalidRequest or GoneFromStripe when there is no method to charge, or it is not paused.
    """
    with translated():
        return v1().subscriptions.resume(
            subscription_id,
            {
                "billing_cycle_anchor": {"type": "now"},
                "payment_behavior": "resume_on_payment_success",
                "expand": ["latest_invoice.confirmation_secret"],
            },
            {"idempotency_key": idempotency_key},
        )

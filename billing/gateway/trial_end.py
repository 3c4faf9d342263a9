"""Ending a trial before its time: what it charges, and doing it."""

from __future__ import annotations

from billing.gateway.client import translated, v1
from billing.gateway.plan_change import ASKED_ONCE, Changed, PaymentBehavior, Preview


def preview(subscription_id: str) -> Preview:
    """The invoice that ending the trial now would make: a whole period from today."""
    with translated():
        return v1().invoices.create_preview(
            {
                "subscription": subscription_id,
                # What was free has no unused part to give back.
                "subscription_details": {"trial_end": "now", "proration_behavior": "none"},
            },
            ASKED_ONCE,
        )


def create(
    subscription_id: str, *, payment_behavior: PaymentBehavior, idempotency_key: str
) -> Changed:
    """The subscription after its first period was charged.

    A payment that does not succeed leaves the trial as it is: see `plan_change.update` for the
    two behaviors.
    """
    with translated():
        return v1().subscriptions.update(
            subscription_id,
            {
                "trial_end": "now",
                "proration_behavior": "none",
                "payment_behavior": payment_behavior,
                "expand": ["latest_invoice.confirmation_secret"],
            },
            {"idempotency_key": idempotency_key},
        )

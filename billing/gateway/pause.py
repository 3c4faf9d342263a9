"""Pausing a subscription: nothing is billed and nothing granted until it resumes."""

from __future__ import annotations

import stripe

from billing.gateway.client import translated, v1
from billing.gateway.plan_change import ASKED_ONCE, Preview

# The credit goes to the customer's balance at once: there it is seen, is used by whatever is
# billed next, and comes back when that is voided. Only such a pause can be previewed.
INVOICED = "invoice"


def preview(subscription_id: str) -> Preview:
    """The invoice that pausing now would make: credit for unused time, so its total is negative.

    InvalidRequest with the code `invoice_upcoming_none` when there is nothing to credit.
    """
    with translated():
        return v1().invoices.create_preview(
            {
                "subscription": subscription_id,
                "subscription_details": {
                    "pause": {
                        "invoicing_behavior": INVOICED,
                        "bill_for": {"unused_time_from": {"type": "now"}},
                    }
                },
            },
            ASKED_ONCE,
        )


def create(subscription_id: str, *, idempotency_key: str) -> stripe.Subscription:
    """The subscription, paused from now on, its unused time credited to the customer's balance.

    InvalidRequest while a schedule manages it, in a trial, when it is invoiced, and in classic
    billing mode (Stripe's docs, "Pause subscriptions").
    """
    with translated():
        return v1().subscriptions.pause(
            subscription_id,
            {
                "type": "subscription",
                "invoicing_behavior": INVOICED,
                "bill_for": {
                    "unused_time_from": {"type": "now"},
                    "outstanding_usage_through": {"type": "now"},
                },
            },
            {"idempotency_key": idempotency_key},
        )

"""Ending a subscription, and taking that back."""

from __future__ import annotations

from typing import Literal

import stripe

from billing.gateway.client import translated, v1

Feedback = Literal[
    "customer_service",
    "low_quality",
    "missing_features",
    "other",
    "switched_service",
    "too_complex",
    "too_expensive",
    "unused",
]


def at_period_end(subscription_id: str, *, feedback: Feedback, comment: str) -> stripe.Subscription:
    """The subscription, to end with the period that is paid for.

    InvalidRequest while a schedule manages it.
    """
    with translated():
        return v1().subscriptions.update(
            subscription_id,
            {
                "cancel_at_period_end": True,
                "cancellation_details": {"feedback": feedback, "comment": comment},
            },
        )


def now(subscription_id: str, *, feedback: Feedback, comment: str) -> stripe.Subscription:
    """The subscription, ended; nothing is refunded or billed for it."""
    with translated():
        return v1().subscriptions.cancel(
            subscription_id,
            {
                "invoice_now": False,
                "prorate": False,
                "cancellation_details": {"feedback": feedback, "comment": comment},
            },
        )


def undo(subscription_id: str, *, at_period_end: bool) -> stripe.Subscription:
    """The subscription, to go on.

    Stripe ends one either by `cancel_at_period_end` or by a date of its own, and each is taken
    back by its own parameter.
    """
    with translated():
        if at_period_end:
            return v1().subscriptions.update(
                subscription_id,
                {
                    "cancel_at_period_end": False,
                    "cancellation_details": {"feedback": "", "comment": ""},
                },
            )
        return v1().subscriptions.update(
            subscription_id,
            {"cancel_at": "", "cancellation_details": {"feedback": "", "comment": ""}},
        )

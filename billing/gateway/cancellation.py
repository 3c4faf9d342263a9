"""Ending a subscription, and taking that back."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

import stripe

from billing.gateway.client import translated, v1
from billing.gateway.plan_change import ASKED_ONCE, Preview

if TYPE_CHECKING:
    from stripe.params import (
        SubscriptionCancelParamsCancellationDetails,
        SubscriptionUpdateParamsCancellationDetails,
    )

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


def at_period_end(
    subscription_id: str,
    *,
    feedback: Feedback | None,
    comment: str,
    idempotency_key: str | None = None,
) -> stripe.Subscription:
    """The subscription, to end with the period that is paid for.

    InvalidRequest while a schedule manages it.
    """
    details: SubscriptionUpdateParamsCancellationDetails = {"comment": comment}
    if feedback is not None:
        details["feedback"] = feedback
    with translated():
        return v1().subscriptions.update(
            subscription_id,
            {"cancel_at_period_end": True, "cancellation_details": details},
            _under(idempotency_key),
        )


def now(
    subscription_id: str,
    *,
    feedback: Feedback | None,
    comment: str,
    idempotency_key: str | None = None,
) -> stripe.Subscription:
    """The subscription, ended; nothing is refunded or billed for it."""
    details: SubscriptionCancelParamsCancellationDetails = {"comment": comment}
    if feedback is not None:
        details["feedback"] = feedback
    with translated():
        return v1().subscriptions.cancel(
            subscription_id,
            {"invoice_now": False, "prorate": False, "cancellation_details": details},
            _under(idempotency_key),
        )


def preview_unused(subscription_id: str, *, at: datetime) -> Preview:
    """The invoice that ending it at that moment would make: the unused time, negative.

    GoneFromStripe when there would be none.
    """
    with translated():
        return v1().invoices.create_preview(
            {
                "subscription": subscription_id,
                "subscription_details": {
                    "cancel_now": True,
                    "proration_date": int(at.timestamp()),
                    "proration_behavior": "always_invoice",
                },
            },
            ASKED_ONCE,
        )


def _under(idempotency_key: str | None) -> stripe.RequestOptions:
    return {"idempotency_key": idempotency_key} if idempotency_key else {}


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

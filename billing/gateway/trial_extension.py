"""Time for free: a trial's end moved, or a paid period followed by a free one."""

from __future__ import annotations

from datetime import datetime

import stripe

from billing.gateway.client import translated, v1


def until(
    subscription_id: str, *, trial_end: datetime, idempotency_key: str
) -> stripe.Subscription:
    """The subscription, on trial until then: it is charged next at that moment.

    Nothing is prorated, so that what was paid for stays paid for. Stripe's docs, "Trial periods".
    """
    with translated():
        return v1().subscriptions.update(
            subscription_id,
            {"trial_end": int(trial_end.timestamp()), "proration_behavior": "none"},
            {"idempotency_key": idempotency_key},
        )

"""The discount that somebody stays for."""

from __future__ import annotations

import stripe

from billing.gateway.client import translated, v1


def apply(subscription_id: str, *, coupon_id: str, idempotency_key: str) -> stripe.Subscription:
    """The subscription with the coupon as its one discount, from its next invoice on.

    InvalidRequest when the coupon cannot be redeemed any more; nothing is billed now.
    """
    with translated():
        return v1().subscriptions.update(
            subscription_id,
            {"discounts": [{"coupon": coupon_id}], "proration_behavior": "none"},
            {"idempotency_key": idempotency_key},
        )

"""The discounts of a subscription: as they are, with one more, with one less."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import stripe

from billing.gateway.client import translated, v1
from billing.gateway.plan_change import ASKED_ONCE, Preview

if TYPE_CHECKING:
    from stripe.params import (
        InvoiceCreatePreviewParams,
        InvoiceCreatePreviewParamsDiscount,
        SubscriptionUpdateParamsDiscount,
    )

# A discount that stays by its own id, or one from a coupon.
Discounts = list[dict[str, str]]


def preview_next(subscription_id: str, discounts: Discounts | None = None) -> Preview:
    """The subscription's next invoice, with those discounts instead of its own when they are given.

    GoneFromStripe when there is none to come.
    """
    params: InvoiceCreatePreviewParams = {"subscription": subscription_id}
    if discounts is not None:
        named = cast("list[InvoiceCreatePreviewParamsDiscount]", discounts)
        params["discounts"] = named or ""
    with translated():
        return v1().invoices.create_preview(params, ASKED_ONCE)


def replace(
    subscription_id: str, *, discounts: Discounts, idempotency_key: str
) -> stripe.Subscription:
    """The subscription with exactly those discounts, from its next invoice on; nothing is billed.

    InvalidRequest when a coupon cannot be redeemed any more.
    """
    named = cast("list[SubscriptionUpdateParamsDiscount]", discounts)
    with translated():
        return v1().subscriptions.update(
            subscription_id,
            {"discounts": named or "", "proration_behavior": "none"},
            {"idempotency_key": idempotency_key},
        )

"""Stripe Checkout sessions in subscription mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import stripe
from stripe.checkout import Session

from billing.gateway.client import translated, v1

if TYPE_CHECKING:
    from stripe.params.checkout import (
        SessionCreateParamsLineItem,
        SessionCreateParamsSubscriptionData,
    )


def start(
    *,
    customer: str,
    account_id: str,
    price: str,
    quantity: int | None,
    currency: str,
    success_url: str,
    cancel_url: str,
    trial_days: int | None,
    trial_needs_method: bool,
    idempotency_key: str,
) -> Session:
    """A new session; the same one again for the same key and choice.

    `quantity` is None for a metered price. In subscription mode Checkout always saves the
    payment method, as the subscription's default. A trial that ends with no method pauses the
    subscription: nothing is invoiced, so that nobody owes for what they only tried.
    """
    item: SessionCreateParamsLineItem = {"price": price}
    if quantity is not None:
        item["quantity"] = quantity
    begins: SessionCreateParamsSubscriptionData = {"metadata": {"account_id": account_id}}
    if trial_days:
        begins["trial_period_days"] = trial_days
        begins["trial_settings"] = {"end_behavior": {"missing_payment_method": "pause"}}
    collection: Literal["always", "if_required"] = (
        "if_required" if trial_days and not trial_needs_method else "always"
    )
    with translated():
        return v1().checkout.sessions.create(
            {
                "mode": "subscription",
                "customer": customer,
                "client_reference_id": account_id,
                "line_items": [item],
                "currency": currency,
                "allow_promotion_codes": True,
                "billing_address_collection": "auto",
                "tax_id_collection": {"enabled": True},
                # Stripe asks for both when a known customer may add a tax id.
                "customer_update": {"address": "auto", "name": "auto"},
                "payment_method_collection": collection,
                # Cards saved with an earlier subscription too, for who subscribes again.
                "saved_payment_method_options": {
                    "allow_redisplay_filters": ["always", "limited", "unspecified"]
                },
                "subscription_data": begins,
                "success_url": success_url,
                "cancel_url": cancel_url,
            },
            {"idempotency_key": idempotency_key},
        )


def retrieve(session_id: str) -> Session:
    """The session as it is now; GoneFromStripe when there is none."""
    with translated():
        return v1().checkout.sessions.retrieve(session_id)


def expire(session_id: str) -> Session:
    """Closes an open session; InvalidRequest when it is open no more."""
    with translated():
        return v1().checkout.sessions.expire(session_id)


def subscriptions_of(customer: str) -> list[stripe.Subscription]:
    """The customer's subscriptions at Stripe that were not cancelled, the newest first."""
    with translated():
        page = v1().subscriptions.list({"customer": customer, "limit": 100})
        return list(page.auto_paging_iter())

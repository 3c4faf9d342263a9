"""Subscriptions, read, with all their items and the coupons behind their discounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import stripe

from billing.gateway.client import translated, v1
from billing.gateway.listing import PAGE, complete

if TYPE_CHECKING:
    from stripe.params import SubscriptionListParams


def retrieve(subscription_id: str) -> stripe.Subscription:
    """The subscription as it is now, canceled or not; GoneFromStripe when there is none."""
    with translated():
        found = v1().subscriptions.retrieve(
            subscription_id,
            {
                "expand": [
                    "discounts.source.coupon.applies_to",
                    "discounts.source.coupon.currency_options",
                ]
            },
        )
        complete(found.items)
    return found


def page(*, starting_after: str | None = None) -> stripe.ListObject[stripe.Subscription]:
    """A page of all subscriptions, newest first; Stripe hides canceled ones unless asked.

    Those with discounts are retrieved one by one: which products a coupon is for would be a fifth
    level to expand in a list.
    """
    params: SubscriptionListParams = {"limit": PAGE, "status": "all"}
    if starting_after:
        params["starting_after"] = starting_after
    with translated():
        found = v1().subscriptions.list(params)
        for subscription in found.data:
            complete(subscription.items)
    found.data = [retrieve(one.id) if one.discounts else one for one in found.data]
    return found

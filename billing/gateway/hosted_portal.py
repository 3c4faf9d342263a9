"""Stripe's hosted Billing Portal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import stripe

from billing.gateway.client import translated, v1

if TYPE_CHECKING:
    from stripe.params.billing_portal import (
        SessionCreateParams,
        SessionCreateParamsFlowData,
    )


def open(
    customer_id: str,
    *,
    return_url: str,
    flow: str | None = None,
    subscription_id: str | None = None,
) -> stripe.billing_portal.Session:
    """A short-lived session; send the reader to its `url`.

    `flow` leads straight to one task; those about a subscription need its id. When the task is
    done Stripe sends the reader back to `return_url` as well.
    """
    params: SessionCreateParams = {"customer": customer_id, "return_url": return_url}
    if flow:
        data: SessionCreateParamsFlowData = {
            "type": flow,
            "after_completion": {"type": "redirect", "redirect": {"return_url": return_url}},
        }
        if flow == "subscription_cancel" and subscription_id:
            data["subscription_cancel"] = {"subscription": subscription_id}
        elif flow == "subscription_update" and subscription_id:
            data["subscription_update"] = {"subscription": subscription_id}
        elif flow == "subscription_pause" and subscription_id:
            data["subscription_pause"] = {"subscription": subscription_id}
        params["flow_data"] = data
    with translated():
        return v1().billing_portal.sessions.create(params)

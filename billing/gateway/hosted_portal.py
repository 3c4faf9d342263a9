"""Stripe's hosted Billing Portal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import stripe

from billing.gateway.client import translated, v1
from billing.gateway.listing import PAGE

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
    configuration_id: str | None = None,
) -> stripe.billing_portal.Session:
    """A short-lived session; send the reader to its `url`.

    `configuration_id` says what can be done there, in place of the Stripe account's default.
    `flow` leads straight to one task; those about a subscription need its id. When the task is
    done Stripe sends the reader back to `return_url` as well.
    """
    params: SessionCreateParams = {"customer": customer_id, "return_url": return_url}
    if configuration_id:
        params["configuration"] = configuration_id
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


@dataclass(frozen=True)
class Objects:
    """Ids of what a customer can change in the hosted portal."""

    payment_methods: list[str]
    subscriptions: list[str]
    recent_invoices: list[str]


def objects_of(customer_id: str) -> Objects:
    """The customer's payment methods, subscriptions that are not canceled, latest ten invoices."""
    with translated():
        methods = v1().payment_methods.list({"customer": customer_id, "limit": PAGE})
        subscriptions = v1().subscriptions.list({"customer": customer_id, "limit": PAGE})
        invoices = v1().invoices.list({"customer": customer_id, "limit": 10})
        return Objects(
            [one.id for one in methods.auto_paging_iter()],
            [one.id for one in subscriptions.auto_paging_iter()],
            [one.id for one in invoices.data],
        )

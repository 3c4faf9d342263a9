"""Refunds, read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import stripe

from billing.gateway.client import translated, v1
from billing.gateway.listing import PAGE

if TYPE_CHECKING:
    from stripe.params import RefundListParams


def retrieve(refund_id: str) -> stripe.Refund:
    """The refund as it is now; GoneFromStripe when there is none.

    Beside the id of its charge stands `charge_details`, what alone tells whose refund it is and
    where the money goes: customer, amount, description, and the type, brand and last4 that paid.
    """
    with translated():
        found = v1().refunds.retrieve(refund_id, {"expand": ["charge"]})
    if isinstance(found.charge, stripe.Charge):
        found["charge_details"] = _details(found.charge)
        found["charge"] = found.charge.id
    return found


def _details(charge: stripe.Charge) -> dict[str, str | int | None]:
    data = charge.to_dict(for_json=True)
    customer, used = data.get("customer"), data.get("payment_method_details") or {}
    method = used.get(used.get("type")) or {}
    return {
        "customer": customer["id"] if isinstance(customer, dict) else customer,
        "amount": data["amount"],
        "description": data.get("description"),
        "type": used.get("type"),
        "brand": method.get("brand"),
        "last4": method.get("last4"),
    }


def page(*, starting_after: str | None = None) -> stripe.ListObject[stripe.Refund]:
    """A page of all refunds, newest first."""
    params: RefundListParams = {"limit": PAGE}
    if starting_after:
        params["starting_after"] = starting_after
    with translated():
        return v1().refunds.list(params)


def of(payment_intent_id: str) -> list[str]:
    """The ids of a payment's refunds."""
    with translated():
        found = v1().refunds.list({"payment_intent": payment_intent_id, "limit": PAGE})
    return [refund.id for refund in found.data]

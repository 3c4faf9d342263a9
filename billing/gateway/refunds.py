"""Refunds: read, and made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import stripe

from billing.gateway.client import translated, v1
from billing.gateway.listing import PAGE

if TYPE_CHECKING:
    from stripe.params import RefundCreateParams, RefundListParams

Reason = Literal["duplicate", "fraudulent", "requested_by_customer"]


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


def create(
    payment_intent_id: str,
    *,
    amount: int,
    reason: Reason | None,
    metadata: dict[str, str],
    idempotency_key: str,
) -> stripe.Refund:
    """The refund of that many minor units; it may be on its way for days.

    InvalidRequest for more than is left of the payment, or one that was not paid.
    """
    params: RefundCreateParams = {
        "payment_intent": payment_intent_id,
        "amount": amount,
        "metadata": metadata,
    }
    if reason is not None:
        params["reason"] = reason
    with translated():
        return v1().refunds.create(params, {"idempotency_key": idempotency_key})


def made_for(payment_intent_id: str, name: str, value: str) -> str | None:
    """The id of the payment's refund whose metadata has that value; None when there is none."""
    with translated():
        found = v1().refunds.list({"payment_intent": payment_intent_id, "limit": PAGE})
        return next(
            (
                each.id
                for each in found.auto_paging_iter()
                if each.metadata and each.metadata.to_dict().get(name) == value
            ),
            None,
        )

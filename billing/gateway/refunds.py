"""Refunds, read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import stripe

from billing.gateway.client import translated, v1
from billing.gateway.listing import PAGE

if TYPE_CHECKING:
    from stripe.params import RefundListParams


def retrieve(refund_id: str) -> stripe.Refund:
    """The refund as it is now, with its charge, which alone names the customer and the card.

    GoneFromStripe when there is none.
    """
    with translated():
        return v1().refunds.retrieve(refund_id, {"expand": ["charge"]})


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

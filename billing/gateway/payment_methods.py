"""Saved payment methods, read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import stripe

from billing.gateway.client import translated, v1
from billing.gateway.listing import PAGE

if TYPE_CHECKING:
    from stripe.params import PaymentMethodListParams


def retrieve(payment_method_id: str) -> stripe.PaymentMethod:
    """The method as it is now, detached or not; GoneFromStripe when there is none."""
    with translated():
        return v1().payment_methods.retrieve(payment_method_id)


def page(
    *, customer: str, starting_after: str | None = None
) -> stripe.ListObject[stripe.PaymentMethod]:
    """A page of one customer's methods of every type, newest first."""
    params: PaymentMethodListParams = {"customer": customer, "limit": PAGE}
    if starting_after:
        params["starting_after"] = starting_after
    with translated():
        return v1().payment_methods.list(params)

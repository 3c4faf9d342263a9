"""Coupons, read, with the products they are for and their amounts in other currencies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import stripe

from billing.gateway.client import translated, v1
from billing.gateway.listing import PAGE

if TYPE_CHECKING:
    from stripe.params import CouponListParams


def retrieve(coupon_id: str) -> stripe.Coupon:
    """The coupon as it is now; GoneFromStripe when there is none."""
    with translated():
        return v1().coupons.retrieve(coupon_id, {"expand": ["applies_to", "currency_options"]})


def page(*, starting_after: str | None = None) -> stripe.ListObject[stripe.Coupon]:
    """A page of all coupons, newest first."""
    params: CouponListParams = {
        "limit": PAGE,
        "expand": ["data.applies_to", "data.currency_options"],
    }
    if starting_after:
        params["starting_after"] = starting_after
    with translated():
        return v1().coupons.list(params)

"""Coupons, with the products they are for and their amounts in other currencies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import stripe

from billing.gateway.client import translated, v1
from billing.gateway.listing import PAGE

if TYPE_CHECKING:
    from stripe.params import CouponCreateParams, CouponListParams


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


def create(
    coupon_id: str,
    *,
    name: str,
    percent_off: str | None,
    amounts_off: Mapping[str, int],
    duration: str,
    duration_in_months: int | None,
    redeem_by: datetime | None,
    max_redemptions: int | None,
    products: Sequence[str],
) -> stripe.Coupon:
    """A new coupon under the given id, which makes it one however often it is asked for.

    Either a percentage, as a decimal number, or minor units by currency, the first its own. No
    products are all. InvalidRequest `resource_already_exists` when there is one of that id.
    """
    params: CouponCreateParams = {"id": coupon_id, "name": name, "duration": duration}
    if percent_off is not None:
        params["percent_off"] = float(percent_off)
    else:
        (currency, amount), *others = amounts_off.items()
        params["currency"], params["amount_off"] = currency, amount
        if others:
            params["currency_options"] = {code: {"amount_off": value} for code, value in others}
    if duration_in_months is not None:
        params["duration_in_months"] = duration_in_months
    if redeem_by is not None:
        params["redeem_by"] = int(redeem_by.timestamp())
    if max_redemptions is not None:
        params["max_redemptions"] = max_redemptions
    if products:
        params["applies_to"] = {"products": list(products)}
    with translated():
        return v1().coupons.create(params)


def delete(coupon_id: str) -> None:
    """Nobody can redeem it any more; discounts that were given go on. GoneFromStripe if it was."""
    with translated():
        v1().coupons.delete(coupon_id)

"""Promotion codes, read and written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import stripe

from billing.gateway.client import translated, under_key, v1
from billing.gateway.listing import PAGE

if TYPE_CHECKING:
    from stripe.params import (
        PromotionCodeCreateParams,
        PromotionCodeCreateParamsRestrictions,
        PromotionCodeListParams,
    )

# The least an order must come to, in other currencies.
MINIMA = "restrictions.currency_options"


def retrieve(promotion_code_id: str) -> stripe.PromotionCode:
    """The promotion code as it is now; GoneFromStripe when there is none."""
    with translated():
        return v1().promotion_codes.retrieve(promotion_code_id, {"expand": [MINIMA]})


def page(*, starting_after: str | None = None) -> stripe.ListObject[stripe.PromotionCode]:
    """A page of all promotion codes, newest first."""
    params: PromotionCodeListParams = {"limit": PAGE, "expand": [f"data.{MINIMA}"]}
    if starting_after:
        params["starting_after"] = starting_after
    with translated():
        return v1().promotion_codes.list(params)


def ids_for(code: str) -> list[str]:
    """The ids of the codes spelled so, in whatever case, newest first."""
    with translated():
        return [found.id for found in v1().promotion_codes.list({"code": code, "limit": PAGE}).data]


def create(
    *,
    coupon: str,
    code: str,
    expires_at: datetime | None,
    max_redemptions: int | None,
    first_time: bool,
    minima: Mapping[str, int],
    customer: str | None,
    metadata: Mapping[str, str],
    idempotency_key: str,
) -> stripe.PromotionCode:
    """A new code that redeems the coupon; `minima` are minor units by currency, the first its own.

    InvalidRequest when an active code is spelled so: Stripe keeps each once, so that a repeated
    creation makes no second.
    """
    params: PromotionCodeCreateParams = {
        "promotion": {"type": "coupon", "coupon": coupon},
        "code": code,
        "metadata": dict(metadata),
    }
    if expires_at is not None:
        params["expires_at"] = int(expires_at.timestamp())
    if max_redemptions is not None:
        params["max_redemptions"] = max_redemptions
    if customer is not None:
        params["customer"] = customer
    restrictions: PromotionCodeCreateParamsRestrictions = {}
    if first_time:
        restrictions["first_time_transaction"] = True
    if minima:
        (currency, amount), *others = minima.items()
        restrictions["minimum_amount_currency"] = currency
        restrictions["minimum_amount"] = amount
        if others:
            restrictions["currency_options"] = {
                each: {"minimum_amount": value} for each, value in others
            }
    if restrictions:
        params["restrictions"] = restrictions

    def make(key: str) -> stripe.PromotionCode:
        with translated():
            return v1().promotion_codes.create(params, {"idempotency_key": key})

    return under_key(make, idempotency_key)


def deactivate(promotion_code_id: str) -> stripe.PromotionCode:
    """Nobody can redeem it any more; discounts that it gave go on."""
    with translated():
        return v1().promotion_codes.update(promotion_code_id, {"active": False})

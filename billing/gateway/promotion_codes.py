"""Promotion codes, read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import stripe

from billing.gateway.client import translated, v1
from billing.gateway.listing import PAGE

if TYPE_CHECKING:
    from stripe.params import PromotionCodeListParams

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

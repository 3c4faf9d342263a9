"""Prices, read, with their tiers and their amounts in other currencies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import stripe

from billing.gateway.client import translated, v1
from billing.gateway.listing import PAGE

if TYPE_CHECKING:
    from stripe.params import PriceListParams


def retrieve(price_id: str) -> stripe.Price:
    """The price as it is now; GoneFromStripe when there is none."""
    with translated():
        return v1().prices.retrieve(price_id, {"expand": ["tiers", "currency_options"]})


def page(*, starting_after: str | None = None) -> stripe.ListObject[stripe.Price]:
    """A page of all prices, archived ones too, newest first."""
    params: PriceListParams = {"limit": PAGE, "expand": ["data.tiers", "data.currency_options"]}
    if starting_after:
        params["starting_after"] = starting_after
    with translated():
        return v1().prices.list(params)

"""Products, read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import stripe

from billing.gateway.client import translated, v1
from billing.gateway.listing import PAGE

if TYPE_CHECKING:
    from stripe.params import ProductListParams


def retrieve(product_id: str) -> stripe.Product:
    """The product as it is now; a deleted one says so. GoneFromStripe when there is none."""
    with translated():
        return v1().products.retrieve(product_id)


def page(*, starting_after: str | None = None) -> stripe.ListObject[stripe.Product]:
    """A page of all products, archived ones too, newest first."""
    params: ProductListParams = {"limit": PAGE}
    if starting_after:
        params["starting_after"] = starting_after
    with translated():
        return v1().products.list(params)

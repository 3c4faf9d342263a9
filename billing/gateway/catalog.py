"""Products and prices, created."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import stripe

from billing.gateway.client import translated, v1

if TYPE_CHECKING:
    from stripe.params import PriceCreateParamsCurrencyOptions

Interval = Literal["day", "week", "month", "year"]


def create_product(
    *,
    product_id: str,
    name: str,
    description: str,
    features: Sequence[str],
    metadata: Mapping[str, str],
) -> stripe.Product:
    """A new product under the given id; InvalidRequest when the id is taken."""
    with translated():
        return v1().products.create(
            {
                "id": product_id,
                "name": name,
                "description": description,
                "marketing_features": [{"name": feature} for feature in features],
                "metadata": dict(metadata),
            }
        )


def create_price(
    *,
    product: str,
    lookup_key: str,
    interval: Interval,
    currency: str,
    unit_amount: int,
    other_currencies: Mapping[str, int],
) -> stripe.Price:
    """A new recurring price; amounts in minor units of each currency."""
    options: dict[str, PriceCreateParamsCurrencyOptions] = {
        code: {"unit_amount": amount} for code, amount in other_currencies.items()
    }
    with translated():
        return v1().prices.create(
            {
                "product": product,
                "lookup_key": lookup_key,
                "currency": currency,
                "unit_amount": unit_amount,
                "currency_options": options,
                "recurring": {"interval": interval},
            }
        )


def create_one_time_price(
    *,
    product: str,
    lookup_key: str,
    currency: str,
    unit_amount: int,
    other_currencies: Mapping[str, int],
) -> stripe.Price:
    """A new price for something bought once; amounts in minor units of each currency."""
    options: dict[str, PriceCreateParamsCurrencyOptions] = {
        code: {"unit_amount": amount} for code, amount in other_currencies.items()
    }
    with translated():
        return v1().prices.create(
            {
                "product": product,
                "lookup_key": lookup_key,
                "currency": currency,
                "unit_amount": unit_amount,
                "currency_options": options,
            }
        )


def create_coupon(
    coupon_id: str, *, name: str, percent_off: int, duration_in_months: int
) -> stripe.Coupon:
    """A new coupon of this id; InvalidRequest `resource_already_exists` when there is one."""
    with translated():
        return v1().coupons.create(
            {
                "id": coupon_id,
                "name": name,
                "percent_off": percent_off,
                "duration": "repeating",
                "duration_in_months": duration_in_months,
            }
        )


def price_by_lookup_key(lookup_key: str) -> stripe.Price | None:
    """The active price with this lookup key, or None."""
    with translated():
        found = v1().prices.list({"lookup_keys": [lookup_key], "limit": 1})
    return found.data[0] if found.data else None

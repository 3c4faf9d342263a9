"""Plans and their prices, written: products and what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import stripe

from billing.gateway.catalog import Interval
from billing.gateway.client import translated, under_key, v1

if TYPE_CHECKING:
    from stripe.params import (
        PriceCreateParams,
        PriceUpdateParamsCurrencyOptions,
        ProductCreateParams,
        ProductUpdateParams,
    )


def create(
    product_id: str,
    *,
    name: str,
    description: str,
    features: Sequence[str],
    metadata: Mapping[str, str],
) -> stripe.Product:
    """A new product under the given id, which makes it one however often it is asked for.

    InvalidRequest `resource_already_exists` when there is one of that id.
    """
    params: ProductCreateParams = {
        "id": product_id,
        "name": name,
        "marketing_features": [{"name": feature} for feature in features],
        "metadata": {key: value for key, value in metadata.items() if value},
    }
    if description:
        params["description"] = description
    with translated():
        return v1().products.create(params)


def update(
    product_id: str,
    *,
    name: str | None = None,
    description: str | None = None,
    features: Sequence[str] | None = None,
    metadata: Mapping[str, str] | None = None,
    active: bool | None = None,
    default_price: str | None = None,
) -> stripe.Product:
    """The product with what is given changed, and nothing else.

    Empty text removes a description or a key of the metadata. The same update again changes
    nothing more, so it needs no key.
    """
    params: ProductUpdateParams = {}
    if name is not None:
        params["name"] = name
    if description is not None:
        params["description"] = description
    if features is not None:
        params["marketing_features"] = [{"name": feature} for feature in features] or ""
    if metadata is not None:
        params["metadata"] = dict(metadata)
    if active is not None:
        params["active"] = active
    if default_price is not None:
        params["default_price"] = default_price
    with translated():
        return v1().products.update(product_id, params)


def create_price(
    *,
    product: str,
    interval: Interval,
    interval_count: int,
    amounts: Mapping[str, int],
    lookup_key: str,
    tax_behavior: str | None,
    metadata: Mapping[str, str],
    idempotency_key: str,
) -> stripe.Price:
    """A new recurring price; amounts are minor units by currency, the first being its own.

    It takes the lookup key over from whatever price had it.
    """
    (currency, amount), *others = amounts.items()
    params: PriceCreateParams = {
        "product": product,
        "currency": currency,
        "unit_amount": amount,
        "recurring": {"interval": interval, "interval_count": interval_count},
        "lookup_key": lookup_key,
        "transfer_lookup_key": True,
        "metadata": dict(metadata),
    }
    if tax_behavior is not None:
        params["tax_behavior"] = tax_behavior
    if others:
        params["currency_options"] = {code: {"unit_amount": value} for code, value in others}

    def make(key: str) -> stripe.Price:
        with translated():
            return v1().prices.create(params, {"idempotency_key": key})

    return under_key(make, idempotency_key)


def add_currency(
    price_id: str, currency: str, unit_amount: int, *, tax_behavior: str | None
) -> stripe.Price:
    """The price, which can be paid in one more currency; its others stay as they are."""
    option: PriceUpdateParamsCurrencyOptions = {"unit_amount": unit_amount}
    if tax_behavior is not None:
        option["tax_behavior"] = tax_behavior
    with translated():
        return v1().prices.update(price_id, {"currency_options": {currency: option}})


def retire_price(price_id: str) -> stripe.Price:
    """The price, no longer for sale. InvalidRequest while it is its product's default price."""
    with translated():
        return v1().prices.update(price_id, {"active": False})

"""A price in the place of another: made, put in its place, and the old one retired."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import stripe

from billing.gateway.client import translated, v1
from billing.gateway.listing import PAGE

if TYPE_CHECKING:
    from stripe.params import PriceCreateParams, PriceCreateParamsCurrencyOptions

# Names, in the new price's metadata, the change that made it.
MADE_BY = "price_change"


@dataclass(frozen=True)
class NewPrice:
    """The old price, as Stripe's JSON, with new amounts: minor units for one, by currency."""

    old: Mapping[str, Any]
    amounts: Mapping[str, int]
    change_id: int


def create(new: NewPrice, *, idempotency_key: str) -> stripe.Price:
    """The new price, with the old one's lookup key if it had one, its terms and its metadata."""
    old = new.old
    recurring = old["recurring"]
    params: PriceCreateParams = {
        "product": _id(old["product"]),
        "currency": old["currency"],
        "unit_amount": new.amounts[old["currency"]],
        "recurring": {
            "interval": recurring["interval"],
            "interval_count": recurring["interval_count"],
        },
        "metadata": {**(old.get("metadata") or {}), MADE_BY: str(new.change_id)},
    }
    options = {
        code: _option(old, code, amount)
        for code, amount in new.amounts.items()
        if code != old["currency"]
    }
    if options:
        params["currency_options"] = options
    behavior = old.get("tax_behavior")
    if behavior and behavior != "unspecified":
        params["tax_behavior"] = behavior
    if old.get("nickname"):
        params["nickname"] = old["nickname"]
    if old.get("lookup_key"):
        params["lookup_key"] = old["lookup_key"]
        params["transfer_lookup_key"] = True
    if old.get("transform_quantity"):
        params["transform_quantity"] = old["transform_quantity"]
    with translated():
        return v1().prices.create(params, {"idempotency_key": idempotency_key})


def _option(old: Mapping[str, Any], currency: str, amount: int) -> PriceCreateParamsCurrencyOptions:
    option: dict[str, Any] = {"unit_amount": amount}
    had = (old.get("currency_options") or {}).get(currency) or {}
    if had.get("tax_behavior") and had["tax_behavior"] != "unspecified":
        option["tax_behavior"] = had["tax_behavior"]
    return cast("PriceCreateParamsCurrencyOptions", option)


def find(product_id: str, change_id: int) -> stripe.Price | None:
    """The price that the change has made already, or None."""
    with translated():
        found = v1().prices.list({"product": product_id, "limit": PAGE})
        for price in found.auto_paging_iter():
            if price.metadata and price.metadata.to_dict().get(MADE_BY) == str(change_id):
                return price
    return None


def make_default(product_id: str, price_id: str, *, idempotency_key: str) -> stripe.Product:
    """The product, whose default price it is now."""
    with translated():
        return v1().products.update(
            product_id, {"default_price": price_id}, {"idempotency_key": idempotency_key}
        )


def retire(price_id: str, *, idempotency_key: str) -> stripe.Price:
    """The price, archived: nobody new can choose it; those who have it keep it."""
    with translated():
        return v1().prices.update(price_id, {"active": False}, {"idempotency_key": idempotency_key})


def _id(reference: Any) -> str:
    return reference if isinstance(reference, str) else str(reference["id"])

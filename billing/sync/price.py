"""A price's JSON as columns."""

from __future__ import annotations

from billing.sync.fields import Data, References, id_of


def columns(data: Data) -> Data:
    recurring = data.get("recurring") or {}
    return {
        "product_id": id_of(data["product"]),
        "active": data["active"],
        "type": data["type"],
        "currency": data["currency"],
        "unit_amount": data.get("unit_amount"),
        "unit_amount_decimal": data.get("unit_amount_decimal"),
        "billing_scheme": data["billing_scheme"],
        "tiers_mode": data.get("tiers_mode"),
        "tiers": data.get("tiers"),
        "currency_options": data.get("currency_options"),
        "interval": recurring.get("interval"),
        "interval_count": recurring.get("interval_count"),
        "usage_type": recurring.get("usage_type"),
        "lookup_key": data.get("lookup_key"),
        "nickname": data.get("nickname"),
        "tax_behavior": data.get("tax_behavior"),
    }


def refers_to(data: Data) -> References:
    return [("product", id_of(data["product"]))]

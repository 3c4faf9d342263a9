"""A promotion code's JSON as columns."""

from __future__ import annotations

from billing.clock import from_unix
from billing.sync.fields import Data, References, id_of


def columns(data: Data) -> Data:
    limits = data["restrictions"]
    return {
        "code": data["code"],
        "active": data["active"],
        "coupon_id": id_of(data["promotion"]["coupon"]),
        "customer_id": id_of(data.get("customer")),
        "expires_at": from_unix(data.get("expires_at")),
        "max_redemptions": data.get("max_redemptions"),
        "times_redeemed": data["times_redeemed"],
        "first_time_transaction": limits["first_time_transaction"],
        "minimum_amount": limits.get("minimum_amount"),
        "minimum_amount_currency": limits.get("minimum_amount_currency"),
    }


def refers_to(data: Data) -> References:
    return [("coupon", id_of(data["promotion"]["coupon"]))]

"""A payment method's JSON as columns. The details of a type are under the type's own name."""

from __future__ import annotations

from billing.sync.fields import Data, References, id_of


def columns(data: Data) -> Data:
    details = data.get(data["type"]) or {}
    return {
        # Null once it is detached.
        "customer_id": id_of(data.get("customer")),
        "type": data["type"],
        # A card's brand or a bank account's bank.
        "brand": details.get("brand") or details.get("bank_name"),
        "last4": details.get("last4"),
        "exp_month": details.get("exp_month"),
        "exp_year": details.get("exp_year"),
        "fingerprint": details.get("fingerprint"),
        "wallet": (details.get("wallet") or {}).get("type"),
    }


def refers_to(data: Data) -> References:
    return [("customer", id_of(data.get("customer")))]

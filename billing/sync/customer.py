"""A customer's JSON as columns."""

from __future__ import annotations

from billing.sync.fields import Data, References, id_of


def columns(data: Data) -> Data:
    return {
        "email": data.get("email"),
        "name": data.get("name"),
        "currency": data.get("currency"),
        "balance": data.get("balance") or 0,
        "delinquent": bool(data.get("delinquent")),
        "country": (data.get("address") or {}).get("country"),
        "default_payment_method_id": _default(data),
    }


def refers_to(data: Data) -> References:
    return [("payment_method", _default(data))]


def _default(data: Data) -> str | None:
    return id_of((data.get("invoice_settings") or {}).get("default_payment_method"))

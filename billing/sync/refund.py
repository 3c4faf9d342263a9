"""A refund's JSON as columns. `amount` is minor units of its currency."""

from __future__ import annotations

from billing.sync.fields import Data, References, id_of


def columns(data: Data) -> Data:
    return {
        "payment_intent_id": id_of(data.get("payment_intent")),
        "charge_id": id_of(data.get("charge")),
        "amount": data["amount"],
        "currency": data["currency"],
        "status": data.get("status"),
        "reason": data.get("reason"),
        "failure_reason": data.get("failure_reason"),
    }


def refers_to(data: Data) -> References:
    return []

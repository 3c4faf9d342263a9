"""A payment intent's JSON as columns. Amounts are minor units of its currency.

The gateway leaves out its secret and what else lets somebody act on it.
"""

from __future__ import annotations

from billing.clock import from_unix
from billing.sync.fields import Data, References, id_of


def columns(data: Data) -> Data:
    charge = data.get("latest_charge")
    known: Data = charge if isinstance(charge, dict) else {}
    error = data.get("last_payment_error") or {}
    return {
        "customer_id": id_of(data.get("customer")),
        "status": data["status"],
        "amount": data["amount"],
        "amount_received": data.get("amount_received") or 0,
        "amount_refunded": known.get("amount_refunded") or 0,
        "currency": data["currency"],
        "description": data.get("description"),
        "payment_method_id": id_of(data.get("payment_method")),
        "charge_id": id_of(charge),
        "receipt_url": known.get("receipt_url"),
        "error_code": error.get("decline_code") or error.get("code"),
        "error_message": error.get("message"),
        "canceled_at": from_unix(data.get("canceled_at")),
        "cancellation_reason": data.get("cancellation_reason"),
    }


def refers_to(data: Data) -> References:
    return [("customer", id_of(data.get("customer")))]

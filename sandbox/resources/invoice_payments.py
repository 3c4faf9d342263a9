"""Invoice payments: which payment intents pay an invoice."""

from __future__ import annotations

from typing import Any

from sandbox.protocol import endpoint, lists
from sandbox.store import store


@endpoint("GET", "/v1/invoice_payments", params="InvoicePaymentListParams")
def listed(params: dict[str, Any]) -> dict[str, Any]:
    payment = params.get("payment") or {}
    where = {
        "invoice": params.get("invoice"),
        "status": params.get("status"),
        "payment_intent": payment.get("payment_intent"),
    }
    return lists("invoice_payment", params, where=where)


@endpoint("GET", "/v1/invoice_payments/<id>", params="InvoicePaymentRetrieveParams")
def retrieve(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return store.get("invoice_payment", id)

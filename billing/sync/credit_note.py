"""A credit note's JSON as columns. Amounts are minor units of its currency."""

from __future__ import annotations

from billing.clock import from_unix
from billing.sync.fields import Data, References, id_of


def columns(data: Data) -> Data:
    return {
        "customer_id": id_of(data["customer"]),
        "invoice_id": id_of(data["invoice"]),
        "number": data["number"],
        "status": data["status"],
        "reason": data.get("reason"),
        "currency": data["currency"],
        "total": data["total"],
        "total_excluding_tax": data.get("total_excluding_tax"),
        "pre_payment_amount": data["pre_payment_amount"],
        "post_payment_amount": data["post_payment_amount"],
        "out_of_band_amount": data.get("out_of_band_amount") or 0,
        "effective_at": from_unix(data.get("effective_at")),
        "pdf": data.get("pdf"),
        "voided_at": from_unix(data.get("voided_at")),
    }


def refunds(data: Data) -> list[Data]:
    """The refunds it stands for, each with an id made of both."""
    return [
        {**one, "id": f"{data['id']}/{id_of(one.get('refund')) or position}"}
        for position, one in enumerate(data.get("refunds") or [])
    ]


def refund_columns(refund: Data) -> Data:
    return {
        "refund_id": id_of(refund.get("refund")),
        "amount_refunded": refund["amount_refunded"],
    }


def refers_to(data: Data) -> References:
    return [("customer", id_of(data["customer"])), ("invoice", id_of(data["invoice"]))]

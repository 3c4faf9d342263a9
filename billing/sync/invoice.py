"""An invoice's JSON as columns, and its lines'. Amounts are minor units of its currency."""

from __future__ import annotations

from billing.clock import from_unix
from billing.sync.fields import Data, References, id_of, sum_of


def columns(data: Data) -> Data:
    reached = data.get("status_transitions") or {}
    return {
        # Null only on an invoice billed to an account of Stripe's newer kind.
        "customer_id": id_of(data.get("customer")) or "",
        "subscription_id": _subscription(data),
        "number": data.get("number"),
        "status": data.get("status"),
        "billing_reason": data.get("billing_reason"),
        "collection_method": data["collection_method"],
        "currency": data["currency"],
        "subtotal": data["subtotal"],
        "discount": sum_of(data.get("total_discount_amounts")),
        "tax": sum_of(data.get("total_taxes")),
        "total": data["total"],
        "amount_due": data["amount_due"],
        "amount_paid": data["amount_paid"],
        "amount_remaining": data["amount_remaining"],
        "starting_balance": data["starting_balance"],
        "attempt_count": data["attempt_count"],
        "next_payment_attempt": from_unix(data.get("next_payment_attempt")),
        "due_date": from_unix(data.get("due_date")),
        "period_start": from_unix(data.get("period_start")),
        "period_end": from_unix(data.get("period_end")),
        "finalized_at": from_unix(reached.get("finalized_at")),
        "paid_at": from_unix(reached.get("paid_at")),
        "voided_at": from_unix(reached.get("voided_at")),
        "hosted_invoice_url": data.get("hosted_invoice_url"),
        "invoice_pdf": data.get("invoice_pdf"),
    }


def line_columns(line: Data) -> Data:
    pricing = line.get("pricing") or {}
    price = pricing.get("price_details") or {}
    parent = line.get("parent") or {}
    source = parent.get("subscription_item_details") or parent.get("invoice_item_details") or {}
    return {
        "description": line.get("description"),
        "amount": line["amount"],
        "currency": line["currency"],
        "quantity": line.get("quantity"),
        "unit_amount_decimal": pricing.get("unit_amount_decimal"),
        "price_id": id_of(price.get("price")),
        "product_id": price.get("product"),
        "is_proration": bool(source.get("proration")),
        "period_start": from_unix(line["period"]["start"]),
        "period_end": from_unix(line["period"]["end"]),
    }


def refers_to(data: Data) -> References:
    return [
        ("customer", id_of(data.get("customer"))),
        ("subscription", _subscription(data)),
    ]


def _subscription(data: Data) -> str | None:
    details = (data.get("parent") or {}).get("subscription_details") or {}
    return id_of(details.get("subscription"))

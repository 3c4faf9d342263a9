"""An invoice's JSON as columns, with its lines and payments. Amounts are in minor units."""

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
        "total_excluding_tax": data.get("total_excluding_tax"),
        "amount_due": data["amount_due"],
        "amount_paid": data["amount_paid"],
        "amount_paid_off_stripe": data.get("amount_paid_off_stripe") or 0,
        "amount_overpaid": data.get("amount_overpaid") or 0,
        "amount_remaining": data["amount_remaining"],
        "starting_balance": data["starting_balance"],
        "ending_balance": data.get("ending_balance"),
        "pre_payment_credit_notes_amount": data.get("pre_payment_credit_notes_amount") or 0,
        "post_payment_credit_notes_amount": data.get("post_payment_credit_notes_amount") or 0,
        "customer_name": data.get("customer_name"),
        "customer_email": data.get("customer_email"),
        "customer_country": (data.get("customer_address") or {}).get("country"),
        "attempt_count": data["attempt_count"],
        "next_payment_attempt": from_unix(data.get("next_payment_attempt")),
        "due_date": from_unix(data.get("due_date")),
        "period_start": from_unix(data.get("period_start")),
        "period_end": from_unix(data.get("period_end")),
        "finalized_at": from_unix(reached.get("finalized_at")),
        "effective_at": from_unix(data.get("effective_at")),
        "paid_at": from_unix(reached.get("paid_at")),
        "voided_at": from_unix(reached.get("voided_at")),
        "marked_uncollectible_at": from_unix(reached.get("marked_uncollectible_at")),
        "hosted_invoice_url": data.get("hosted_invoice_url"),
        "invoice_pdf": data.get("invoice_pdf"),
    }


def line_columns(line: Data) -> Data:
    pricing = line.get("pricing") or {}
    price = pricing.get("price_details") or {}
    parent = line.get("parent") or {}
    source = parent.get("subscription_item_details") or parent.get("invoice_item_details") or {}
    taxes = line.get("taxes") or []
    return {
        "description": line.get("description"),
        "amount": line["amount"],
        "currency": line["currency"],
        "quantity": line.get("quantity"),
        "unit_amount_decimal": pricing.get("unit_amount_decimal"),
        "price_id": id_of(price.get("price")),
        "product_id": price.get("product"),
        "is_proration": bool(source.get("proration")),
        "discount": sum_of(line.get("discount_amounts")),
        "tax": sum_of(taxes),
        "tax_included": sum_of([one for one in taxes if one.get("tax_behavior") == "inclusive"]),
        "period_start": from_unix(line["period"]["start"]),
        "period_end": from_unix(line["period"]["end"]),
    }


def payments(data: Data) -> list[Data]:
    """What was paid towards it or tried; none where it was not asked for."""
    found: list[Data] = (data.get("payments") or {}).get("data") or []
    return found


def payment_columns(payment: Data) -> Data:
    return {
        "status": payment["status"],
        "amount_paid": payment.get("amount_paid"),
        "payment_intent_id": id_of(payment["payment"].get("payment_intent")),
        "paid_at": from_unix((payment.get("status_transitions") or {}).get("paid_at")),
    }


def refers_to(data: Data) -> References:
    return [
        ("customer", id_of(data.get("customer"))),
        ("subscription", _subscription(data)),
    ]


def _subscription(data: Data) -> str | None:
    details = (data.get("parent") or {}).get("subscription_details") or {}
    return id_of(details.get("subscription"))

"""Which customer a webhook is about, so that what happened to one is found by it."""

from __future__ import annotations

from typing import Any

from billing import payment_references
from models import Invoice, PaymentIntent, db

LONGEST = 255


def customer_of(event: dict[str, Any]) -> str | None:
    """The id of the customer that the event's object is, was or belongs to; None for no one's."""
    data = event["data"]
    about = data["object"]
    if about.get("object") == "customer":
        return _id(about.get("id"))
    # A payment method that was detached names its customer only as it was before.
    before = data.get("previous_attributes")
    before = before if isinstance(before, dict) else {}
    return _id(about.get("customer")) or _id(before.get("customer")) or _by_payment(about)


def _by_payment(about: dict[str, Any]) -> str | None:
    """The owner of the invoice or the payment that the object names, as the mirror knows it."""
    invoice_id, intent_id = _id(about.get("invoice")), _id(about.get("payment_intent"))
    if invoice_id is not None:
        invoice = db.session.get(Invoice, invoice_id)
        if invoice is not None:
            return invoice.customer_id
    if intent_id is not None:
        reference = payment_references.find(intent_id)
        if reference is not None:
            return reference.customer_id
        payment = db.session.get(PaymentIntent, intent_id)
        return payment.customer_id if payment is not None else None
    return None


def _id(value: Any) -> str | None:
    found = value.get("id") if isinstance(value, dict) else value
    fits = isinstance(found, str) and 0 < len(found) <= LONGEST and found.isascii()
    return found if fits and found.isprintable() else None

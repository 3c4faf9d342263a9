"""Something bought once, whose payment has arrived."""

from __future__ import annotations

from sqlalchemy import select

from billing.facts.telling import is_recent, observes, tell
from billing.sync import Written
from models import PaymentIntent, PaymentMethod, Purchase, db


@observes("payment_intent")
def paid(written: Written) -> None:
    payment: PaymentIntent = written.row
    if payment.status != "succeeded" or written.before.get("status") == "succeeded":
        return
    purchase = db.session.scalar(
        select(Purchase).where(Purchase.payment_intent_id == payment.stripe_id)
    )
    if purchase is None or not is_recent(purchase.succeeded_at):
        return
    method = db.session.get(PaymentMethod, payment.payment_method_id or "")
    tell(
        "purchase_receipt",
        f"purchase_receipt:{purchase.id}",
        payment.customer_id,
        name=purchase.name,
        quantity=purchase.quantity,
        amount=payment.amount_received,
        currency=payment.currency,
        receipt_url=payment.receipt_url,
        method=method and {"type": method.type, "brand": method.brand, "last4": method.last4},
    )

"""What a purchase grants: written in the transaction that sees its payment succeed, once.

A refund takes back its share. The share is of the units bought, rounded in the buyer's favour:
$5.00 back of $20.00 for 1,000 credits takes back 250; of a set-up fee nothing is taken back until
all of it is refunded. A refund that fails gives back what it took. A dispute takes nothing back by
itself: staff refund, or decide otherwise.
"""

from __future__ import annotations

import logging

from sqlalchemy import select

from billing import sync
from billing.clock import now
from billing.sync import Written
from models import Account, PaymentIntent, Purchase, PurchaseGrant, db

log = logging.getLogger(__name__)

# Stripe's docs, "How PaymentIntents work". Everything else can still be paid.
STATUSES = {"succeeded": "succeeded", "canceled": "canceled", "processing": "processing"}


@sync.observer
def follow_payment(written: Written) -> None:
    """The purchase as its payment stands, and what it grants by now."""
    if written.kind != "payment_intent" or written.row.deleted_at is not None:
        return
    payment: PaymentIntent = written.row
    purchase = _purchase_of(payment)
    if purchase is None:
        return
    before = purchase.status
    purchase.status = STATUSES.get(payment.status, "open")
    _follow_amount(purchase, payment)
    if before == "processing" and purchase.is_open:
        # The bank refused it days later: another day to pay otherwise.
        purchase.expires_at = now() + (purchase.expires_at - purchase.created_at)
    if purchase.is_paid:
        purchase.succeeded_at = purchase.succeeded_at or now()
        _grant(purchase, payment)


def _purchase_of(payment: PaymentIntent) -> Purchase | None:
    found = db.session.scalar(
        select(Purchase).where(Purchase.payment_intent_id == payment.stripe_id)
    )
    if found is not None:
        return found
    # The answer to its creation was lost: it names its purchase, which must be its customer's.
    found = db.session.scalar(
        select(Purchase)
        .join(Account)
        .where(
            Purchase.id == _about(payment).get("purchase"),
            Purchase.payment_intent_id.is_(None),
            Account.stripe_customer_id == payment.customer_id,
        )
    )
    if found is not None:
        found.payment_intent_id = payment.stripe_id
    return found


def _follow_amount(purchase: Purchase, payment: PaymentIntent) -> None:
    """Quantity and amount change at Stripe together, so that both are told from there."""
    quantity = _about(payment).get("quantity", "")
    if quantity.isascii() and quantity.isdigit() and len(quantity) < 5:
        purchase.quantity = int(quantity)
    purchase.amount = payment.amount
    if purchase.amount != purchase.unit_amount * purchase.quantity:
        log.error(
            "payment %s of %s is not %s times the price that purchase %s was sold at",
            payment.stripe_id,
            payment.amount,
            purchase.quantity,
            purchase.id,
        )


def _grant(purchase: Purchase, payment: PaymentIntent) -> None:
    held = db.session.scalars(
        select(PurchaseGrant.units).where(PurchaseGrant.purchase_id == purchase.id)
    ).all()
    if not held:
        _add(purchase, f"purchase:{purchase.id}", purchase.units)
        held = [purchase.units]
    paid = payment.amount_received or payment.amount
    kept = purchase.units - purchase.units * payment.amount_refunded // paid
    if kept != sum(held):
        _add(purchase, f"refund:{purchase.id}:{len(held)}", kept - sum(held))


def _add(purchase: Purchase, key: str, units: int) -> None:
    db.session.add(
        PurchaseGrant(
            key=key,
            account_id=purchase.account_id,
            purchase_id=purchase.id,
            kind=purchase.grants,
            units=units,
            created_at=now(),
        )
    )


def _about(payment: PaymentIntent) -> dict[str, str]:
    return payment.data.get("metadata") or {}

"""Paying an open invoice with a saved method, once however often the button is pressed."""

from __future__ import annotations

from billing import outcome, sync
from billing.audit import record
from billing.errors import (
    AuthenticationNeeded,
    CardDeclined,
    InvalidRequest,
    KeySpent,
    Refused,
    StripeBusy,
)
from billing.gateway import invoice_payment
from models import Invoice, PaymentMethod, db


class AlreadyPaid(Refused):
    title = "This invoice is paid"
    message = "It was paid already, so you were not charged again."


class OnItsWay(Refused):
    title = "A payment is on its way"
    message = "A payment for this invoice is on its way already. You were not charged again."


class AmountChanged(Refused):
    title = "The amount has changed"
    message = "The amount due has changed since you opened this page. You were not charged."


def pay(invoice: Invoice, method: PaymentMethod, *, shown_amount: int, attempt: str) -> Invoice:
    """The invoice after the attempt; a bank debit leaves it open until the money arrives.

    `shown_amount` (minor units) is what the reader agreed to; `attempt` is the token of the form
    they sent, so that a second press repeats the first. The key is stored before Stripe is
    called. Raises AlreadyPaid, OnItsWay, AmountChanged, CardDeclined, AuthenticationNeeded
    (with the address to confirm at), StripeUnavailable when the outcome is not known.
    """
    if invoice.is_paid:
        raise AlreadyPaid
    if invoice.is_processing:
        raise OnItsWay
    if not invoice.can_be_paid:
        raise Refused("This invoice cannot be paid any more. You were not charged.")
    if shown_amount != invoice.amount_remaining:
        raise AmountChanged
    key = f"pay:{invoice.stripe_id}:{method.stripe_id}:{attempt}"
    record(
        "invoice.payment_started",
        invoice.stripe_id,
        after={
            "amount": shown_amount,
            "currency": invoice.currency,
            "payment_method": method.stripe_id,
            "idempotency_key": key,
        },
    )
    db.session.commit()
    try:
        with outcome.told_by(lambda: _is_settled(_pulled(invoice))):
            invoice_payment.pay(
                invoice.stripe_id, payment_method_id=method.stripe_id, idempotency_key=key
            )
    except KeySpent as error:
        # Over, and seen not to be paid: the form comes back with a token of its own.
        raise StripeBusy from error
    except AuthenticationNeeded as error:
        error.url = error.url or _pulled(invoice).hosted_invoice_url
        raise
    except CardDeclined:
        _pulled(invoice)
        raise
    except InvalidRequest:
        fresh = _pulled(invoice)
        if fresh.is_paid:
            raise AlreadyPaid from None
        if fresh.is_processing:
            raise OnItsWay from None
        raise
    return _pulled(invoice)


def _is_settled(invoice: Invoice) -> bool:
    return invoice.is_paid or invoice.is_processing


def _pulled(invoice: Invoice) -> Invoice:
    fresh: Invoice = sync.pull("invoice", invoice.stripe_id)
    if fresh.subscription_id:
        # A past due subscription is active again the moment its invoice is paid.
        sync.pull("subscription", fresh.subscription_id)
    return fresh

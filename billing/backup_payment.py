"""Another saved method to pay with, offered when a payment has failed."""

from __future__ import annotations

from billing.clock import now
from billing.invoice_payment import methods_tried
from models import Invoice, PaymentMethod, Subscription, db


def backup_for(invoice: Invoice) -> PaymentMethod | None:
    """The saved method to offer in one press, or None: not expired, and not just refused.

    Any other saved method is a backup, so nobody has to mark one; the default comes first, then
    cards, which pay at once, before bank debits, then the newest.
    """
    failed = invoice.attempt_count > 0 or invoice.decline is not None
    customer = invoice.customer
    if not (failed and invoice.can_be_paid and customer):
        return None
    refused = _refused(invoice)
    left = [
        method
        for method in customer.payment_methods
        if method.stripe_id not in refused and not method.is_expired(now())
    ]
    default = customer.default_payment_method_id
    left.sort(key=lambda method: (method.stripe_id != default, method.type != "card"))
    return left[0] if left else None


def _refused(invoice: Invoice) -> set[str]:
    """The methods that were tried for the invoice, by somebody here or by itself."""
    refused = methods_tried(invoice)
    if invoice.decline and invoice.decline["payment_method"]:
        refused.add(invoice.decline["payment_method"])
    charged = _charged_by_itself(invoice)
    # A newer one cannot have been charged when the invoice came.
    if charged and invoice.finalized_at and charged.created <= invoice.finalized_at:
        refused.add(charged.stripe_id)
    return refused


def _charged_by_itself(invoice: Invoice) -> PaymentMethod | None:
    subscription = (
        db.session.get(Subscription, invoice.subscription_id) if invoice.subscription_id else None
    )
    return subscription.payment_method if subscription else None

"""Letting the bank ask its cardholder to confirm a payment (3-D Secure)."""

from __future__ import annotations

from billing import sync
from billing.audit import record
from billing.errors import Refused, StripeBusy, StripeUnavailable
from billing.gateway import bank_confirmation as gateway
from billing.invoice_payment import AlreadyPaid, OnItsWay
from models import Invoice, db


class NothingToConfirm(Refused):
    title = "There is nothing to confirm"
    message = "Your bank does not wait for you any more. You were not charged."


def begin(invoice: Invoice) -> str:
    """The client secret with which this browser lets the bank ask, fetched now and not kept.

    Raises AlreadyPaid, OnItsWay or NothingToConfirm when the bank does not wait any more,
    StripeBusy when Stripe does not answer.
    """
    try:
        fresh: Invoice = sync.pull("invoice", invoice.stripe_id)
        secret = gateway.client_secret(fresh.stripe_id) if fresh.needs_confirmation else None
    except StripeUnavailable as error:
        # Nothing but reading was asked for.
        raise StripeBusy from error
    if fresh.is_paid:
        raise AlreadyPaid
    if fresh.is_processing:
        raise OnItsWay
    if secret is None:
        raise NothingToConfirm
    record("invoice.confirmation_started", fresh.stripe_id)
    db.session.commit()
    return secret

"""Stripe's hosted portal: going there, and catching up with what was done there."""

from __future__ import annotations

from functools import partial

from billing import customers, sync
from billing.audit import record
from billing.errors import InvalidRequest, Refused
from billing.gateway import hosted_portal, portal_configurations
from billing.payment_methods import live_subscriptions
from models import Account, Invoice, PaymentMethod, db

# Stripe's docs, "Customer portal deep links"; False: needs no subscription.
FLOWS = {
    "payment_method_update": False,
    "customer_update": False,
    "subscription_cancel": True,
    "subscription_update": True,
}


class NoSubscription(Refused):
    message = "There is no subscription to change. Nothing was changed."


def open(account: Account, *, flow: str | None, return_url: str, email: str) -> str:
    """The address to send the reader to; `flow`, one of FLOWS, leads straight to one task."""
    customer_id = customers.of(account, email=email)
    subscription_id = None
    if flow and FLOWS[flow]:
        live = live_subscriptions(account)
        if not live:
            raise NoSubscription
        subscription_id = live[0].stripe_id
    ours = portal_configurations.ours()
    opened = partial(
        hosted_portal.open,
        customer_id,
        return_url=return_url,
        configuration_id=ours.id if ours else None,
    )
    try:
        session = opened(flow=flow, subscription_id=subscription_id)
    except InvalidRequest:
        if flow is None:
            raise
        # A task that is switched off at Stripe: the portal's front page says what there is.
        session = opened()
    record("hosted_portal.opened", customer_id, after={"flow": flow} if flow else None)
    db.session.commit()
    return session.url


def catch_up(account: Account) -> None:
    """Pulls what can be changed in the hosted portal, so that the mirror is fresh at once.

    Raises StripeUnavailable and its kin; webhooks bring the same a little later.
    """
    customer_id = account.stripe_customer_id
    if customer_id is None:
        return
    known = db.session.scalars(
        db.select(PaymentMethod.stripe_id).where(PaymentMethod.customer_id == customer_id)
    ).all()
    at_stripe = hosted_portal.objects_of(customer_id)
    for method_id in {*known, *at_stripe.payment_methods}:
        sync.pull("payment_method", method_id)
    sync.pull("customer", customer_id)
    # One canceled over there is not listed any more, but is still live in the mirror.
    live = {subscription.stripe_id for subscription in live_subscriptions(account)}
    for subscription_id in {*live, *at_stripe.subscriptions}:
        sync.pull("subscription", subscription_id)
    for invoice_id in at_stripe.recent_invoices:
        mirrored = db.session.get(Invoice, invoice_id)
        if mirrored is None or mirrored.status not in {"paid", "void"}:
            sync.pull("invoice", invoice_id)

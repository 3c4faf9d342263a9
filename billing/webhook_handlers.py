"""What each type of event makes us pull. An event is a hint that something changed, no more.

A handler gets the JSON of the object the event is about and reads nothing from it but ids.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from billing import checkout, sync
from billing.errors import GoneFromStripe
from billing.gateway import checkout as checkout_sessions
from billing.gateway import invoices
from models import CheckoutIntent, PaymentIntent, db

Handler = Callable[[dict[str, Any]], None]
HANDLERS: dict[str, Handler] = {}
# Mostly prefix_letters, but an operator chooses the ids of products.
ID = re.compile(r"(?=.*[A-Za-z0-9])[ -~]{1,255}")


def handles(*types: str) -> Callable[[Handler], Handler]:
    """Registers a handler for exact event types; a type has one handler."""

    def register(handler: Handler) -> Handler:
        for each in types:
            if each in HANDLERS:
                raise ValueError(f"{each} is handled twice")
            HANDLERS[each] = handler
        return handler

    return register


def named(about: dict[str, Any], field: str) -> str | None:
    """The id in a field of an event's object; None when there is none or it is no id."""
    value = about.get(field)
    found = value.get("id") if isinstance(value, dict) else value
    return found if isinstance(found, str) and ID.fullmatch(found) else None


def pull_named(kind: str, about: dict[str, Any], field: str = "id") -> None:
    """Pulls the object named in a field, if one is."""
    stripe_id = named(about, field)
    if stripe_id is not None:
        sync.pull(kind, stripe_id)


@handles("product.created", "product.updated", "product.deleted")
def product(about: dict[str, Any]) -> None:
    pull_named("product", about)


@handles("price.created", "price.updated", "price.deleted")
def price(about: dict[str, Any]) -> None:
    pull_named("price", about)


@handles("coupon.created", "coupon.updated", "coupon.deleted")
def coupon(about: dict[str, Any]) -> None:
    pull_named("coupon", about)


@handles("customer.created", "customer.updated", "customer.deleted")
def customer(about: dict[str, Any]) -> None:
    pull_named("customer", about)


@handles("customer.tax_id.created", "customer.tax_id.updated", "customer.tax_id.deleted")
@handles("customer.source.created", "customer.source.updated", "customer.source.deleted")
@handles("customer.source.expiring")
def part_of_customer(about: dict[str, Any]) -> None:
    pull_named("customer", about, "customer")


@handles("customer.discount.created", "customer.discount.updated", "customer.discount.deleted")
def discount(about: dict[str, Any]) -> None:
    pull_named("customer", about, "customer")
    pull_named("subscription", about, "subscription")
    # How often they were redeemed; no event of their own says so.
    pull_named("promotion_code", about, "promotion_code")
    source = about.get("source")
    pull_named("coupon", source if isinstance(source, dict) else {}, "coupon")


@handles("customer.subscription.created", "customer.subscription.updated")
@handles("customer.subscription.deleted", "customer.subscription.trial_will_end")
@handles("customer.subscription.paused", "customer.subscription.resumed")
@handles("customer.subscription.pending_update_applied")
@handles("customer.subscription.pending_update_expired")
def subscription(about: dict[str, Any]) -> None:
    pull_named("subscription", about)


@handles("subscription_schedule.created", "subscription_schedule.updated")
@handles("subscription_schedule.aborted", "subscription_schedule.canceled")
@handles("subscription_schedule.completed", "subscription_schedule.expiring")
@handles("subscription_schedule.released")
def subscription_schedule(about: dict[str, Any]) -> None:
    pull_named("subscription_schedule", about)


@handles("invoice.created", "invoice.updated", "invoice.deleted", "invoice.finalized")
@handles("invoice.finalization_failed", "invoice.sent", "invoice.will_be_due", "invoice.overdue")
@handles("invoice.paid", "invoice.payment_succeeded", "invoice.overpaid")
@handles("invoice.payment_failed", "invoice.payment_action_required")
@handles("invoice.payment_attempt_required", "invoice.marked_uncollectible", "invoice.voided")
def invoice(about: dict[str, Any]) -> None:
    pull_named("invoice", about)


@handles("invoice.upcoming")
def upcoming_invoice(about: dict[str, Any]) -> None:
    # It does not exist yet and has no id; what will be billed does.
    parent = about.get("parent")
    details = parent.get("subscription_details") if isinstance(parent, dict) else None
    pull_named("subscription", details if isinstance(details, dict) else {}, "subscription")


@handles("invoice_payment.paid")
def invoice_payment(about: dict[str, Any]) -> None:
    pull_named("invoice", about, "invoice")


@handles("credit_note.created", "credit_note.updated", "credit_note.voided")
def credit_note(about: dict[str, Any]) -> None:
    pull_named("credit_note", about)
    pull_named("invoice", about, "invoice")
    # Part of it may have gone to the customer's balance.
    pull_named("customer", about, "customer")


@handles("refund.created", "refund.updated", "refund.failed")
@handles("charge.refund.updated")
def refund(about: dict[str, Any]) -> None:
    pull_named("refund", about)
    _pull_what_is_paid_by(named(about, "payment_intent"))


@handles("promotion_code.created", "promotion_code.updated")
def promotion_code(about: dict[str, Any]) -> None:
    pull_named("promotion_code", about)


@handles("payment_method.attached", "payment_method.detached", "payment_method.updated")
@handles("payment_method.automatically_updated")
def payment_method(about: dict[str, Any]) -> None:
    pull_named("payment_method", about)


@handles("setup_intent.created", "setup_intent.requires_action", "setup_intent.succeeded")
@handles("setup_intent.setup_failed", "setup_intent.canceled")
def setup_intent(about: dict[str, Any]) -> None:
    pull_named("payment_method", about, "payment_method")
    pull_named("customer", about, "customer")


@handles("payment_intent.created", "payment_intent.processing", "payment_intent.succeeded")
@handles("payment_intent.requires_action", "payment_intent.payment_failed")
@handles("payment_intent.canceled", "payment_intent.amount_capturable_updated")
@handles("payment_intent.partially_funded")
def payment_intent(about: dict[str, Any]) -> None:
    _pull_what_is_paid_by(named(about, "id"))


@handles("charge.succeeded", "charge.failed", "charge.pending", "charge.updated")
@handles("charge.captured", "charge.expired", "charge.refunded")
@handles("charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed")
@handles("charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated")
def charge(about: dict[str, Any]) -> None:
    _pull_what_is_paid_by(named(about, "payment_intent"))


@handles("checkout.session.completed", "checkout.session.expired")
@handles("checkout.session.async_payment_succeeded", "checkout.session.async_payment_failed")
def checkout_session(about: dict[str, Any]) -> None:
    pull_named("customer", about, "customer")
    pull_named("subscription", about, "subscription")
    pull_named("invoice", about, "invoice")
    _end_checkout(named(about, "id"))


def _pull_what_is_paid_by(payment_intent_id: str | None) -> None:
    """Pulls the invoices that a payment is for, else the payment itself: it is a purchase's."""
    if payment_intent_id is None:
        return
    # Neither a charge nor a payment intent names its invoice; the invoice's payments name it.
    found = [] if _is_held(payment_intent_id) else invoices.paid_by(payment_intent_id)
    for invoice_id in found:
        sync.pull("invoice", invoice_id)
    if not found:
        sync.pull("payment_intent", payment_intent_id)


def _is_held(payment_intent_id: str) -> bool:
    """Whether the mirror has the payment already, so that it is known to be no invoice's."""
    held = sa.select(PaymentIntent.stripe_id).where(PaymentIntent.stripe_id == payment_intent_id)
    return db.session.scalar(held) is not None


def _end_checkout(session_id: str | None) -> None:
    """Ends the attempt to buy that a session was for, as the session stands at Stripe now."""
    intent = db.session.scalar(
        sa.select(CheckoutIntent).where(
            CheckoutIntent.session_id == session_id, CheckoutIntent.status == "open"
        )
    )
    if intent is None or intent.session_id is None:
        return
    try:
        status = checkout_sessions.retrieve(intent.session_id).status
    except GoneFromStripe:
        status = "expired"
    if status in {"complete", "expired"}:
        checkout.finish(intent.id, status)


HANDLED_TYPES: list[str] = sorted(HANDLERS)

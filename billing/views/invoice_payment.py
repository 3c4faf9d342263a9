"""Paying an invoice: with a saved method, or with a new card, saved and charged in one go."""

from __future__ import annotations

import re
import secrets
from typing import Any

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for

from billing import invoice_payment, payment_methods, pending_change
from billing.authorization import current_account, member_required, owned_or_404
from billing.errors import (
    AuthenticationNeeded,
    BillingError,
    Refused,
    StripeBusy,
    StripeUnavailable,
)
from billing.extensions import limiter
from billing.invoice_payment import AlreadyPaid, OnItsWay, Payment
from billing.views.invoices import page_of
from billing.views.payment_methods import name_of
from models import Invoice, PaymentMethod

bp = Blueprint("invoice_payment", __name__)

ATTEMPT = re.compile(r"[A-Za-z0-9_-]{8,64}")
SETUP_INTENT = re.compile(r"seti_\w+")
ON_ITS_WAY = (
    "The payment is on its way. Your bank may take a few days; the invoice shows as paid once "
    "the money has arrived. You need not do anything."
)


@bp.get("/invoices/<stripe_id>/payment/new-method")
@member_required("owner", "billing")
def new(stripe_id: str) -> Any:
    """The page for a card that is saved and pays the invoice, in one press."""
    invoice = owned_or_404(Invoice, stripe_id)
    if not invoice.can_be_paid:
        return redirect(url_for("invoices.show", stripe_id=stripe_id))
    return render_template(
        "invoice_payment/new.html",
        invoice=invoice,
        publishable_key=current_app.config["SETTINGS"].stripe_publishable_key,
        attempt=secrets.token_urlsafe(16),
        is_first=not (current_account.customer and current_account.customer.payment_methods),
        return_url=url_for("payment_methods.return_", invoice=stripe_id, _external=True),
    )


@bp.post("/invoices/<stripe_id>/payment")
@member_required("owner", "billing")
@limiter.limit("40 per hour", key_func=lambda: f"account:{current_account.id}")
def create(stripe_id: str) -> Any:
    """Charges what is due to the chosen method; a refusal shows on the invoice, with other ways."""
    invoice = owned_or_404(Invoice, stripe_id)
    attempt = token_of(request.form)
    was_refused = invoice.attempt_count > 0
    method = None
    try:
        method = _chosen_method()
        payment = invoice_payment.pay(
            invoice,
            method,
            shown_amount=request.form.get("amount", -1, type=int),
            attempt=attempt,
        )
    except (AlreadyPaid, OnItsWay) as error:
        flash(error.message, "info")
    except AuthenticationNeeded:
        keep = method.stripe_id if method and wants_it_kept() else None
        page = url_for("bank_confirmation.show", stripe_id=stripe_id, confirm="now", keep=keep)
        return redirect(page, 303)
    except BillingError as error:
        more = {"problem": error, "chosen": method and method.stripe_id}
        if isinstance(error, (StripeUnavailable, StripeBusy)):
            # The same token again: if it did go through, pressing again does not pay twice.
            more["attempt"] = attempt
        return page_of(invoice, status=error.status, **more)
    else:
        say(payment)
        if wants_it_kept():
            use_from_now_on(method)
        elif was_refused:
            warn_of_the_refused(payment, method)
        if pending_change.was_paid_by(payment.invoice):
            return redirect(url_for("subscription.show"), 303)
    return redirect(url_for("invoices.show", stripe_id=stripe_id), 303)


def token_of(form: Any) -> str:
    """The token of a payment form, which makes a second press repeat the first; else 400."""
    attempt = str(form.get("attempt", ""))
    if not ATTEMPT.fullmatch(attempt):
        abort(400)
    return attempt


def wants_it_kept() -> bool:
    """Whether the form asks that what is due later is charged to the same method."""
    return request.form.get("use_from_now_on") == "yes"


def _chosen_method() -> PaymentMethod:
    """The saved method that the form names, or the one that it has just set up; else 404."""
    intent_id = request.form.get("setup_intent")
    if not intent_id:
        return owned_or_404(PaymentMethod, request.form.get("payment_method", ""))
    if not SETUP_INTENT.fullmatch(intent_id):
        abort(404)
    try:
        addition = payment_methods.finish(current_account, intent_id, make_it_default=False)
    except (StripeBusy, StripeUnavailable) as error:
        raise StripeBusy(
            "Our payment provider did not answer while your card was being saved, so nothing was "
            "paid and you were not charged. Please try again in a minute."
        ) from error
    if addition is None:
        abort(404)
    if addition.method is None:
        said = addition.decline.said if addition.decline else "Your bank has not confirmed it yet."
        raise Refused(f"{said} It was not saved, nothing was paid and you were not charged.")
    return addition.method


def say(payment: Payment) -> None:
    """Tells what a payment has brought about."""
    subscription = payment.subscription
    plan = subscription.plan.name if subscription and subscription.plan else "Your subscription"
    if payment.invoice.is_processing:
        flash(ON_ITS_WAY, "info")
    elif pending_change.was_paid_by(payment.invoice):
        flash(f"Your payment is confirmed. You are now on {plan}.", "success")
    elif payment.revived:
        flash(f"Paid. {plan} is active again.", "success")
    elif payment.started:
        flash(f"Paid. {plan} has started.", "success")
    else:
        flash("Paid, thank you.", "success")


def warn_of_the_refused(payment: Payment, method: PaymentMethod) -> None:
    """Says so when the next charge still goes to another method, which failed for this invoice."""
    subscription = payment.subscription
    charged = subscription.payment_method if subscription and subscription.is_live else None
    if charged and charged.stripe_id != method.stripe_id:
        flash(
            f"The next payment is still taken from {name_of(charged)}. Choose {name_of(method)} "
            "on the page Payment methods to use it from now on.",
            "info",
        )


def use_from_now_on(method: PaymentMethod) -> None:
    """Makes what has just paid the default, for the subscription too; the payment stands anyway."""
    try:
        payment_methods.make_default(current_account, method)
    except BillingError:
        flash(
            f"{name_of(method)} could not be made the default just now. Do it on the page "
            "Payment methods.",
            "warning",
        )
    else:
        flash(f"What is due from now on is charged to {name_of(method)}.", "info")

"""A payment that waits for the payer's bank: open the bank's question, and look what came of it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for

from billing import bank_confirmation, invoice_payment, pending_change
from billing.authorization import member_required, owned_or_404
from billing.errors import BillingError, StripeBusy, StripeUnavailable
from billing.views.invoice_payment import say, use_from_now_on
from models import Invoice, PaymentMethod

bp = Blueprint("bank_confirmation", __name__)
ADDRESS = "/invoices/<stripe_id>/bank-confirmation"
NO_ANSWER = (
    "Our payment provider does not answer at the moment, so we do not know yet whether your bank "
    "has confirmed the payment. Look again in a minute: you are not charged twice."
)


@bp.get(ADDRESS)
@member_required("owner", "billing")
def show(stripe_id: str) -> Any:
    """The page that opens the bank's question, at once when `confirm` says so.

    An invoice that waits for no bank shows itself: as paid, or with the ways to pay it.
    """
    invoice = owned_or_404(Invoice, stripe_id)
    if not invoice.needs_confirmation:
        return redirect(url_for("invoices.show", stripe_id=stripe_id))
    return render_template(
        "bank_confirmation/show.html",
        invoice=invoice,
        change=pending_change.paid_by(invoice),
        keep=request.args.get("keep", ""),
    )


@bp.post(f"{ADDRESS}/client-secret")
@member_required("owner", "billing")
def begin(stripe_id: str) -> Any:
    """JSON with the secret that lets this browser's Stripe.js ask, or with why there is none."""
    try:
        secret = bank_confirmation.begin(owned_or_404(Invoice, stripe_id))
    except BillingError as error:
        return jsonify(message=error.message), error.status
    return jsonify(client_secret=secret)


@bp.post(ADDRESS)
@member_required("owner", "billing")
def look(stripe_id: str) -> Any:
    """Back from the bank: asks Stripe what came of it, and says so."""
    invoice = owned_or_404(Invoice, stripe_id)
    keep = request.form.get("keep")
    kept = owned_or_404(PaymentMethod, keep) if keep else None
    try:
        payment = invoice_payment.look(invoice)
    except (StripeUnavailable, StripeBusy):
        flash(NO_ANSWER, "warning")
        return redirect(url_for(".show", stripe_id=stripe_id), 303)
    if payment.invoice.needs_confirmation:
        flash("Your bank has not confirmed the payment yet. You were not charged.", "warning")
        return redirect(url_for(".show", stripe_id=stripe_id), 303)
    if not (payment.invoice.is_paid or payment.invoice.is_processing):
        # The invoice's page tells what the bank said, and offers the other ways to pay.
        return redirect(url_for("invoices.show", stripe_id=stripe_id), 303)
    say(payment)
    if kept is not None:
        use_from_now_on(kept)
    if pending_change.was_paid_by(payment.invoice):
        return redirect(url_for("subscription.show"), 303)
    return redirect(url_for("invoices.show", stripe_id=stripe_id), 303)

"""Saved payment methods: the list, adding one, and removing one."""

from __future__ import annotations

import re
import secrets
from typing import Any

from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    get_template_attribute,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_login import current_user

from billing import invoice_search, payment_methods
from billing.authorization import current_account, member_required, owned_or_404
from billing.errors import BillingError, Refused, StripeBusy, StripeUnavailable
from billing.extensions import limiter
from models import Invoice, PaymentMethod

bp = Blueprint("payment_methods", __name__)

ATTEMPT = re.compile(r"[A-Za-z0-9_-]{8,64}")
SAID = {
    "saved": "{name} is saved.",
    "already_saved": "{name} was saved already, so we kept the one you had.",
    "replaced": "{name} took the place of the same card with its old expiry date.",
}


def name_of(method: PaymentMethod) -> str:
    """The method in a sentence, such as "Visa ending 4242"."""
    return str(get_template_attribute("macros/payment_methods.html", "method_name")(method))


@bp.get("/payment-methods")
@member_required("owner", "billing")
def index() -> Any:
    """The list; it asks Stripe nothing."""
    return render_template(
        "payment_methods/index.html",
        saved=payment_methods.saved(current_account),
        due=invoice_search.totals_due(current_account.stripe_customer_id),
    )


@bp.get("/payment-methods/new")
@member_required("owner", "billing")
def new() -> Any:
    """The page for Stripe's Payment Element, whose script asks `begin` for a client secret."""
    customer = current_account.customer
    return render_template(
        "payment_methods/new.html",
        publishable_key=current_app.config["SETTINGS"].stripe_publishable_key,
        attempt=secrets.token_urlsafe(16),
        is_first=not (customer and customer.payment_methods),
        return_url=url_for("payment_methods.return_", _external=True),
    )


@bp.post("/payment-methods/setup-intent")
@member_required("owner", "billing")
@limiter.limit("40 per hour", key_func=lambda: f"account:{current_account.id}")
def begin() -> Any:
    """JSON with the client secret of a setup intent, or with a message for the reader."""
    attempt = request.form.get("attempt", "")
    if not ATTEMPT.fullmatch(attempt):
        abort(400)
    try:
        secret = payment_methods.begin(current_account, attempt, email=current_user.email)
    except BillingError as error:
        return jsonify(message=error.message), error.status
    return jsonify(client_secret=secret)


@bp.get("/payment-methods/return")
@member_required("owner", "billing")
def return_() -> Any:
    """Where Stripe sends the reader after saving a method, with the bank's answer or without."""
    intent_id = request.args.get("setup_intent", "")
    if not re.fullmatch(r"seti_\w+", intent_id):
        abort(404)
    try:
        addition = payment_methods.finish(
            current_account, intent_id, make_it_default=request.args.get("default") == "yes"
        )
    except (StripeBusy, StripeUnavailable):
        again = url_for(".return_", setup_intent=intent_id, default=request.args.get("default"))
        return render_template("payment_methods/return.html", state="unknown", again=again), 503
    if addition is None:
        abort(404)
    if addition.state == "seen":
        return redirect(url_for(".index"), 303)
    if addition.state not in SAID:
        status = 402 if addition.state == "failed" else 200
        return render_template(
            "payment_methods/return.html", state=addition.state, addition=addition
        ), status
    said = SAID[addition.state].format(name=name_of(addition.method))
    used = " Everything is charged to it from now on." if addition.made_default else ""
    flash(f"{said}{used} You were not charged.", "success")
    if request.args.get("invoice"):
        # The bank led away from paying an invoice with a new card; one press is left.
        invoice = owned_or_404(Invoice, request.args["invoice"])
        chosen = addition.method.stripe_id if addition.method else None
        return redirect(
            url_for("invoices.show", stripe_id=invoice.stripe_id, method=chosen, _anchor="pay"), 303
        )
    return redirect(url_for(".index"), 303)


@bp.get("/payment-methods/<stripe_id>/removal")
@member_required("owner", "billing")
def removal(stripe_id: str) -> Any:
    """What removing it would mean: a question, a choice of another, or why it must stay."""
    method = owned_or_404(PaymentMethod, stripe_id)
    found = payment_methods.removal(current_account, method)
    status = 409 if found.is_refused else 200
    return render_template("payment_methods/removal.html", removal=found), status


@bp.post("/payment-methods/<stripe_id>/removal")
@member_required("owner", "billing")
def remove(stripe_id: str) -> Any:
    method = owned_or_404(PaymentMethod, stripe_id)
    instead_id = request.form.get("instead")
    instead = owned_or_404(PaymentMethod, instead_id) if instead_id else None
    name = name_of(method)
    try:
        payment_methods.remove(current_account, method, instead=instead)
    except Refused as error:
        found = payment_methods.removal(current_account, method)
        return render_template(
            "payment_methods/removal.html", removal=found, problem=error.message
        ), error.status
    used = f" {name_of(instead)} is used instead." if instead else ""
    flash(f"{name} is removed and cannot be charged any more.{used}", "success")
    return redirect(url_for(".index"), 303)

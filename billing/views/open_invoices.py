"""All that is open, and paying it together."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for

from billing import open_invoices, payment_methods, recent_invoices
from billing.authorization import current_account, member_required, owned_or_404
from billing.errors import AuthenticationNeeded, StripeBusy, StripeUnavailable
from billing.extensions import limiter
from billing.open_invoices import PaidTogether
from billing.views.invoice_payment import token_of, use_from_now_on, wants_it_kept
from models import Invoice, PaymentMethod

bp = Blueprint("open_invoices", __name__)
# More at once would outlast the request; who owes more pays the rest with a second press.
MOST = 20


@bp.get("/open-invoices")
@member_required("owner", "billing")
def show() -> Any:
    """The open invoices, oldest first; a single one shows itself."""
    found = open_invoices.of(current_account.stripe_customer_id)
    if not found:
        return redirect(url_for("invoices.index"))
    if len(found) == 1:
        return redirect(url_for("invoices.show", stripe_id=found[0].stripe_id))
    return _page()


@bp.post("/open-invoices/payment")
@member_required("owner", "billing")
@limiter.limit("20 per hour", key_func=lambda: f"account:{current_account.id}")
def pay() -> Any:
    """Charges each invoice that the form names, oldest first, to one saved method."""
    attempt = token_of(request.form)
    method = owned_or_404(PaymentMethod, request.form.get("payment_method", ""))
    outcome = open_invoices.pay_all(_shown(), method, attempt=attempt)
    if outcome.paid and wants_it_kept():
        use_from_now_on(method)
    if isinstance(outcome.stopped_by, AuthenticationNeeded) and outcome.stopped_at:
        if outcome.paid:
            flash(_paid(outcome), "success")
        stopped = outcome.stopped_at.stripe_id
        return redirect(url_for("bank_confirmation.show", stripe_id=stopped, confirm="now"), 303)
    if outcome.stopped_by is not None:
        unknown = isinstance(outcome.stopped_by, (StripeUnavailable, StripeBusy))
        again = attempt if unknown else None
        return _page(outcome=outcome, chosen=method.stripe_id, attempt=again), (
            outcome.stopped_by.status
        )
    flash(_paid(outcome), "success" if outcome.paid else "info")
    return redirect(url_for("home.show"), 303)


def _shown() -> list[tuple[Invoice, int]]:
    """The invoices and amounts (minor units) that the form was shown with, "in_1:4900" each."""
    shown = []
    for entry in request.form.getlist("invoice")[:MOST]:
        stripe_id, _, amount = entry.rpartition(":")
        if not (amount.isascii() and amount.isdigit()):
            abort(400)
        shown.append((owned_or_404(Invoice, stripe_id), int(amount)))
    if not shown:
        abort(400)
    return shown


def _page(**more: Any) -> str:
    found = open_invoices.of(current_account.stripe_customer_id)[:MOST]
    return render_template(
        "open_invoices/show.html",
        invoices=found,
        titles={one.stripe_id: recent_invoices.title(one) for one in found},
        total=open_invoices.total(found),
        saved=payment_methods.saved(current_account),
        **more,
    )


def _paid(outcome: PaidTogether) -> str:
    said = []
    if outcome.paid:
        many = len(outcome.paid) > 1
        said.append(f"{len(outcome.paid)} invoices are paid." if many else "One invoice is paid.")
    if outcome.on_their_way:
        many = len(outcome.on_their_way) > 1
        count = f"{len(outcome.on_their_way)} payments are" if many else "One payment is"
        said.append(f"{count} on the way; your bank may take a few days.")
    return " ".join(said)

"""Looking at the portal as a customer: begun by staff, read-only, ended by a button or by time."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user

from billing import customer_view
from billing.authorization import staff_required
from billing.errors import Refused
from billing.navigation import is_staff_page
from billing.views import errors
from billing.views.admin.customers import ACCOUNT, account_or_404

bp = Blueprint("admin_customer_view", __name__, url_prefix="/admin")

READS = frozenset({"GET", "HEAD", "OPTIONS"})
# Not of an account, or the ways out.
ALWAYS = frozenset(
    {
        "admin_customer_view.end",
        "brand.css",
        "brand.icon",
        "health.healthz",
        "health.readyz",
        "security.logout",
        "static",
        "webhooks.stripe",
    }
)
# The pages that say what the mirror knows: they ask Stripe nothing, and begin nothing.
SHOWN = frozenset(
    {
        "accounts.rename",
        "billing_details.edit",
        "cancellation.show",
        "home.show",
        "invoices.export",
        "invoices.index",
        "invoices.show",
        "members.index",
        "open_invoices.show",
        "payment_methods.index",
        "payment_methods.removal",
        "pending_change.show",
        "plans.index",
        "promotion_code.show",
        "purchases.index",
        "purchases.new",
        "purchases.show",
        "seats.show",
        "subscription.show",
        "upcoming_charges.index",
    }
)
# An argument with which a page asks Stripe what a change would cost.
QUOTING = {"seats.show": "seats"}

ONLY_LOOKING = "You are only looking"


@bp.before_app_request
def only_look() -> Any:
    """While somebody looks as a customer nothing is changed, and nothing of Stripe's is begun."""
    endpoint = request.endpoint
    if endpoint is None or endpoint in ALWAYS:
        return None
    over = customer_view.ran_out()
    if over is not None:
        return _ended_by_itself(over)
    view = customer_view.current()
    if view is None:
        return None
    if request.method not in READS:
        return _refused(
            f"You look at {view.account.name} as its owner does, and can change nothing. Nothing "
            "was changed. End the view to work as yourself again."
        )
    if is_staff_page():
        return None
    if endpoint not in SHOWN or QUOTING.get(endpoint) in request.args:
        return _refused(
            "This page is the reader's own, asks Stripe for a price, or begins a payment, so it is "
            "not shown while you look as a customer. Nothing was begun."
        )
    return None


@bp.get(f"/customers{ACCOUNT}/view")
@staff_required(*customer_view.ROLES)
def new(account_number: int) -> Any:
    """What looking as this customer means, before it begins."""
    return render_template(
        "admin/customer_view/new.html",
        account=account_or_404(account_number),
        minutes=int(customer_view.LASTS.total_seconds() // 60),
    )


@bp.post(f"/customers{ACCOUNT}/view")
@staff_required(*customer_view.ROLES)
def start(account_number: int) -> Any:
    account = account_or_404(account_number)
    if not account.memberships:
        raise Refused(
            "Nobody belongs to this account, so there is nobody whose pages could be shown."
        )
    customer_view.start(account, current_user._get_current_object())
    return redirect(url_for("home.show"), 303)


@bp.post("/customer-view/end")
@staff_required()
def end() -> Any:
    view = customer_view.end("ended by hand")
    if view is None:
        flash("You are looking as nobody.", "info")
        return redirect(url_for("admin_customers.index"), 303)
    flash(f"You look at {view.account.name} as yourself again.", "success")
    return redirect(url_for("admin_customers.show", account_number=view.account_id), 303)


def _ended_by_itself(view: Any) -> Any:
    """Whatever was asked for was asked as somebody else, so it is not done as oneself."""
    customer_view.end("time")
    flash(
        f"The view of {view.account.name} as its owner has ended. What you asked for last was not "
        "done. You are yourself again.",
        "info",
    )
    return redirect(url_for("admin_customers.show", account_number=view.account_id), 303)


def _refused(message: str) -> Any:
    return errors.page(403, ONLY_LOOKING, message, (url_for("home.show"), "Back to the overview"))

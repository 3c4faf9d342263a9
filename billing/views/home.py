"""The overview: where one stands, what comes next, what to do."""

from __future__ import annotations

from babel import Locale
from flask import Blueprint, redirect, render_template, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from billing import recent_invoices
from billing.authorization import current_account, current_role
from billing.clock import now
from billing.navigation import BUYERS
from billing.standing import standing

bp = Blueprint("home", __name__)


@bp.app_template_filter()
def country_name(code: str | None) -> str:
    """ "DE" as "Germany"; an unknown code as it is."""
    return Locale("en").territories.get(code, code) if code else ""


@bp.get("/")
def show() -> str | Response:
    account = current_account._get_current_object()
    if account is None and not current_user.is_authenticated:
        return redirect(url_for("plans.index"))
    if account is None and current_user.is_staff:
        return redirect(url_for("admin_overview.index"))
    if account is None:
        return render_template("home/without_account.html")
    return render_template(
        "home/show.html",
        account=account,
        customer=account.customer,
        standing=standing(account, now()),
        invoices=recent_invoices.of(account.stripe_customer_id),
        may_buy=current_role() in BUYERS,
    )

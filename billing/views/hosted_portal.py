"""To Stripe's hosted portal and back."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask_login import current_user

from billing import hosted_portal
from billing.authorization import current_account, member_required
from billing.errors import BillingError
from models import db

bp = Blueprint("hosted_portal", __name__)


@bp.post("/hosted-portal")
@member_required("owner", "billing")
def open() -> Any:
    """Leads to a session of the hosted portal, straight to `flow` when one is named."""
    flow = request.form.get("flow") or None
    if flow is not None and flow not in hosted_portal.FLOWS:
        abort(400)
    url = hosted_portal.open(
        current_account,
        flow=flow,
        return_url=url_for(".return_", _external=True),
        email=current_user.email,
    )
    return redirect(url, 303)


@bp.get("/hosted-portal/return")
@member_required("owner", "billing")
def return_() -> Any:
    """Back from the portal: what was changed there shows at once, then the overview."""
    try:
        hosted_portal.catch_up(current_account)
    except BillingError:
        db.session.rollback()
        flash("Welcome back. What you changed there shows here in a moment.", "info")
    return redirect(url_for("home.show"), 303)

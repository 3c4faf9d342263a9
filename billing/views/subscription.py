"""The subscription in full: plan, seats, price, dates, and everything that can be done with it."""

from __future__ import annotations

from flask import Blueprint, render_template

from billing.authorization import current_account, current_role, member_required
from billing.clock import now
from billing.navigation import BUYERS
from billing.standing import standing

bp = Blueprint("subscription", __name__)


@bp.get("/subscription")
@member_required()
def show() -> str:
    account = current_account._get_current_object()
    return render_template(
        "subscription/show.html",
        account=account,
        standing=standing(account, now()),
        may_buy=current_role() in BUYERS,
    )

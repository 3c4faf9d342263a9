"""What comes next: the charges to come, with their reasons."""

from __future__ import annotations

from flask import Blueprint, render_template

from billing.authorization import current_account, current_role, member_required
from billing.clock import now
from billing.navigation import BUYERS
from billing.renewals import ends_on
from billing.standing import standing
from billing.upcoming_charges import MOST

bp = Blueprint("upcoming_charges", __name__)


@bp.get("/upcoming-charges")
@member_required()
def index() -> str:
    where = standing(current_account._get_current_object(), now())
    subscription = where.subscription
    return render_template(
        "upcoming_charges/index.html",
        standing=where,
        charges=where.charges,
        ends_on=ends_on(subscription) if subscription and subscription.is_live else None,
        most=MOST,
        may_buy=current_role() in BUYERS,
    )

"""Resuming a paused subscription: what is charged today, and doing it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from billing import beginning
from billing.authorization import member_required
from billing.views.trial_end import confirmed, page

bp = Blueprint("resumption", __name__)


@bp.get("/resumption")
@member_required("owner", "billing")
def show() -> Any:
    return page(beginning.RESUMPTION)


@bp.post("/resumption")
@member_required("owner", "billing")
def confirm() -> Any:
    return confirmed(beginning.RESUMPTION)

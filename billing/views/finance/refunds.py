"""Refunds as finance exports them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template

from billing.authorization import staff_required

bp = Blueprint("finance_refunds", __name__, url_prefix="/finance/refunds")


@bp.get("")
@staff_required("admin", "finance")
def index() -> Any:
    return render_template("finance/refunds/index.html")

"""Recurring revenue: what it is, what moved it, whom it comes from."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template

from billing.authorization import staff_required

bp = Blueprint("finance_metrics", __name__, url_prefix="/finance/metrics")


@bp.get("")
@staff_required("admin", "finance")
def index() -> Any:
    return render_template("finance/metrics/index.html")

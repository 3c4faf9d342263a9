"""Credit notes as finance exports them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template

from billing.authorization import staff_required

bp = Blueprint("finance_credit_notes", __name__, url_prefix="/finance/credit-notes")


@bp.get("")
@staff_required("admin", "finance")
def index() -> Any:
    return render_template("finance/credit_notes/index.html")

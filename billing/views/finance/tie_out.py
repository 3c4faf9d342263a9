"""Whether what was invoiced in a period is accounted for, to the cent."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template

from billing.authorization import staff_required

bp = Blueprint("finance_tie_out", __name__, url_prefix="/finance/tie-out")


@bp.get("")
@staff_required("admin", "finance")
def show() -> Any:
    return render_template("finance/tie_out/show.html")

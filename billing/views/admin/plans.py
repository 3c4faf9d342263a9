"""Plans as staff keep them: what is sold, to whom it is shown, at which prices."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template

from billing.authorization import staff_required

bp = Blueprint("admin_plans", __name__, url_prefix="/admin/plans")


@bp.get("")
@staff_required("admin")
def index() -> Any:
    return render_template("admin/plans/index.html")

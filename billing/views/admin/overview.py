"""Staff's first page: what needs a look, by role."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template

from billing.authorization import staff_required

bp = Blueprint("admin_overview", __name__, url_prefix="/admin")


@bp.get("")
@staff_required()
def index() -> Any:
    return render_template("admin/overview/index.html")

"""Price changes: rehearsed, confirmed, carried out, undone."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template

from billing.authorization import staff_required

bp = Blueprint("admin_price_changes", __name__, url_prefix="/admin/price-changes")


@bp.get("")
@staff_required("admin")
def index() -> Any:
    return render_template("admin/price_changes/index.html")

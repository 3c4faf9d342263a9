"""The audit log: who did what, when, from where, before and after."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template

from billing.authorization import staff_required

bp = Blueprint("admin_audit", __name__, url_prefix="/admin/audit")


@bp.get("")
@staff_required("admin")
def index() -> Any:
    return render_template("admin/audit/index.html")

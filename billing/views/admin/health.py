"""Whether billing is healthy, and what to do when it is not."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template

from billing.authorization import staff_required

bp = Blueprint("admin_health", __name__, url_prefix="/admin/health")


@bp.get("")
@staff_required("admin")
def index() -> Any:
    return render_template("admin/health/index.html")

"""The outbox: what was sent, what waits, what failed."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template

from billing.authorization import staff_required

bp = Blueprint("admin_outbox", __name__, url_prefix="/admin/outbox")


@bp.get("")
@staff_required("admin")
def index() -> Any:
    return render_template("admin/outbox/index.html")

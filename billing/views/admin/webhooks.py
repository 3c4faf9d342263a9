"""The inbox of webhooks: what came, what became of it, once more."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template

from billing.authorization import staff_required

bp = Blueprint("admin_webhooks", __name__, url_prefix="/admin/webhooks")


@bp.get("")
@staff_required("admin")
def index() -> Any:
    return render_template("admin/webhooks/index.html")

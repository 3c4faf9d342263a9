"""Accounts as staff find them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template

from billing.authorization import staff_required

bp = Blueprint("admin_customers", __name__, url_prefix="/admin/customers")


@bp.get("")
@staff_required()
def index() -> Any:
    return render_template("admin/customers/index.html")

"""Coupons and their promotion codes: made, limited, retired."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template

from billing.authorization import staff_required

bp = Blueprint("admin_coupons", __name__, url_prefix="/admin/coupons")


@bp.get("")
@staff_required("admin")
def index() -> Any:
    return render_template("admin/coupons/index.html")

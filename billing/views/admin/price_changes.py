"""Price changes: rehearsed, confirmed, carried out, undone."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, render_template

from billing.authorization import staff_required
from models import Price, db

bp = Blueprint("admin_price_changes", __name__, url_prefix="/admin/price-changes")


@bp.get("")
@staff_required("admin")
def index() -> Any:
    return render_template("admin/price_changes/index.html")


@bp.get("/new/<price_id>")
@staff_required("admin")
def new(price_id: str) -> Any:
    """The new amounts for a price, in every currency it has."""
    price = db.session.get(Price, price_id) or abort(404)
    return render_template("admin/price_changes/new.html", price=price)

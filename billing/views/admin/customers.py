"""Accounts as staff find them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template

from billing.authorization import staff_required
from models import Account, db

bp = Blueprint("admin_customers", __name__, url_prefix="/admin/customers")


@bp.get("")
@staff_required()
def index() -> Any:
    return render_template("admin/customers/index.html")


@bp.get("/<int:account_number>")
@staff_required()
def show(account_number: int) -> Any:
    account = db.get_or_404(Account, account_number)
    return render_template("admin/customers/show.html", account=account)

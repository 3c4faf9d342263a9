"""One invoice as staff see it: what was billed, paid and given back, and what can still be done."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, render_template

from billing.authorization import staff_required
from models import Invoice, db

bp = Blueprint("admin_invoices", __name__, url_prefix="/admin/invoices")


@bp.get("/<stripe_id>")
@staff_required()
def show(stripe_id: str) -> Any:
    invoice = db.session.get(Invoice, stripe_id)
    if invoice is None or invoice.deleted_at is not None or invoice.customer is None:
        abort(404)
    return render_template(
        "admin/invoices/show.html", invoice=invoice, account=invoice.customer.account
    )

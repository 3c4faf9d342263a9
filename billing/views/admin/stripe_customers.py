"""A customer of Stripe's that no account here is linked to: what is known of it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, render_template, url_for
from sqlalchemy import select

from billing import customer_rows
from billing.authorization import staff_required
from models import Customer, Invoice, db

bp = Blueprint("admin_stripe_customers", __name__, url_prefix="/admin/stripe-customers")
SHOWN = 10


@bp.get("/<stripe_id>")
@staff_required()
def show(stripe_id: str) -> Any:
    """Facts only; one with an account leads to the account's page."""
    if not stripe_id.isprintable():
        abort(404)
    customer = db.get_or_404(Customer, stripe_id)
    if customer.account is not None:
        return redirect(url_for("admin_customers.show", account_number=customer.account.id))
    return render_template(
        "admin/stripe_customers/show.html",
        customer=customer,
        subscriptions=customer_rows.subscriptions([stripe_id]).get(stripe_id, []),
        invoices=db.session.scalars(
            select(Invoice)
            .where(Invoice.customer_id == stripe_id, Invoice.deleted_at.is_(None))
            .order_by(Invoice.created.desc(), Invoice.stripe_id.desc())
            .limit(SHOWN)
        ).all(),
    )

"""Quotes that were charged otherwise than they said, for staff to put right."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_login import current_user
from sqlalchemy import select

from billing import quote_differences
from billing.audit import record
from billing.authorization import staff_required
from billing.paging import page
from models import QuoteDifference, db

bp = Blueprint("admin_quote_differences", __name__, url_prefix="/admin/quote-differences")


@bp.get("")
@staff_required("admin")
def index() -> Any:
    found = page(
        select(QuoteDifference).order_by(QuoteDifference.seen_at.desc(), QuoteDifference.id.desc())
    )
    return render_template("admin/quote_differences/index.html", page=found)


@bp.post("/<int:difference_number>/resolution")
@staff_required("admin")
def resolve(difference_number: int) -> Any:
    """Marks one as looked into; it changes nothing about what was charged."""
    db.get_or_404(QuoteDifference, difference_number)
    resolved = quote_differences.resolve(difference_number, current_user.id)
    if resolved is not None:
        record("quote.looked_into", resolved.invoice_id, account_id=resolved.account_id)
        flash("It is marked as looked into.", "success")
    db.session.commit()
    return redirect(url_for(".index"), 303)

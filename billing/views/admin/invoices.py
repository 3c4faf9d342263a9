"""One invoice as staff see it: what was billed, paid and given back, and what can still be done."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template
from flask_login import current_user

from billing import (
    given_back,
    invoice_breakdown,
    invoice_closing,
    invoice_history,
    left_of_invoice,
    recent_invoices,
    staff_actions,
)
from billing.authorization import any_invoice_or_404, staff_required
from billing.review import CARE

bp = Blueprint("admin_invoices", __name__, url_prefix="/admin/invoices")


@bp.get("/<stripe_id>")
@staff_required()
def show(stripe_id: str) -> Any:
    invoice, account = any_invoice_or_404(stripe_id)
    may_act = any(role.name in CARE for role in current_user.roles)
    return render_template(
        "admin/invoices/show.html",
        invoice=invoice,
        account=account,
        title=recent_invoices.title(invoice),
        steps=invoice_breakdown.steps(invoice),
        after_total=invoice_breakdown.after_total(invoice),
        left=left_of_invoice.of(invoice),
        given_back=given_back.rows(invoice),
        events=invoice_history.of(invoice, account.id),
        closings=invoice_closing.possible(invoice) if may_act else [],
        waiting=staff_actions.open_on(stripe_id),
        may_act=may_act,
    )

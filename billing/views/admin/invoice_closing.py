"""Ending an open invoice by hand: void it, give it up, or mark it as paid elsewhere."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for

from billing import invoice_closing, left_of_invoice, staff_actions
from billing.authorization import any_invoice_or_404, staff_required
from billing.errors import BillingError
from billing.invoice_closing import CLOSINGS, Closing
from billing.review import CARE, Agreement, ReviewForm, press, said
from billing.templating import money as money_text
from models import Account, Invoice

bp = Blueprint(
    "admin_invoice_closing", __name__, url_prefix="/admin/invoices/<stripe_id>/closing/<slug>"
)

DONE = {
    "void": "Invoice {label} is void. Nothing is due on it.",
    "uncollectible": "Invoice {label} is marked as uncollectible. It can still be paid.",
    "paid-out-of-band": "Invoice {label} is marked as paid outside of Stripe.",
}


@bp.get("")
@staff_required(*CARE)
def show(stripe_id: str, slug: str) -> Any:
    return _page(*any_invoice_or_404(stripe_id), _closing(slug))


@bp.post("")
@staff_required(*CARE)
def create(stripe_id: str, slug: str) -> Any:
    closing = _closing(slug)
    invoice, account = any_invoice_or_404(stripe_id)
    agreed = {"amount": invoice.amount_remaining, "currency": invoice.currency}
    try:
        press(closing.kind, stripe_id, account, ReviewForm.of_request(), lambda: agreed)
    except BillingError as problem:
        return _page(invoice, account, closing, problem), problem.status
    flash(DONE[slug].format(label=invoice.label), "success")
    return redirect(url_for("admin_invoices.show", stripe_id=stripe_id), 303)


def _closing(slug: str) -> Closing:
    return CLOSINGS.get(slug) or abort(404)


def _page(
    invoice: Invoice, account: Account, closing: Closing, problem: BillingError | None = None
) -> Any:
    return render_template(
        "admin/invoice_closing/show.html",
        invoice=invoice,
        account=account,
        closing=closing,
        is_possible=closing.is_possible(invoice),
        applied_balance=invoice_closing.balance_given_back(invoice),
        due=money_text(invoice.amount_remaining, invoice.currency),
        problem=said(problem) if problem else None,
        waiting=staff_actions.open_on(invoice.stripe_id),
        agreement=Agreement.to(left_of_invoice.state(invoice.stripe_id), problem),
    )

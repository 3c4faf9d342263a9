"""Charging an open invoice to a payment method that the customer has saved."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from wtforms import SelectField

from billing import left_of_invoice, off_session_charge, staff_actions
from billing.authorization import any_invoice_or_404, staff_required
from billing.errors import BillingError
from billing.off_session_charge import CHARGE
from billing.review import CARE, Agreement, ReviewForm, choices, press, said
from billing.templating import money as money_text
from models import Account, Invoice, PaymentMethod, StaffAction

bp = Blueprint(
    "admin_off_session_charge", __name__, url_prefix="/admin/invoices/<stripe_id>/charge"
)


class ChargeForm(ReviewForm):
    method = SelectField("Payment method")

    def __init__(self, *args: Any, invoice: Invoice, **kwargs: Any):
        super().__init__(*args, **kwargs)
        saved = off_session_charge.methods(invoice)
        self.methods = {method.stripe_id: method for method in saved}
        self.method.choices = choices((key, _named(one)) for key, one in self.methods.items())

    @property
    def chosen(self) -> PaymentMethod | None:
        return self.methods.get(self.method.data or "")


@bp.get("")
@staff_required(*CARE)
def show(stripe_id: str) -> Any:
    return _page(*any_invoice_or_404(stripe_id))


@bp.post("")
@staff_required(*CARE)
def create(stripe_id: str) -> Any:
    invoice, account = any_invoice_or_404(stripe_id)
    form = _form(invoice)
    agreed = {
        "payment_method": form.method.data,
        "amount": invoice.amount_remaining,
        "currency": invoice.currency,
    }
    try:
        action = press(CHARGE, stripe_id, account, form, lambda: agreed)
    except BillingError as problem:
        return _page(invoice, account, problem), problem.status
    if action is None:
        return _page(invoice, account), 422
    flash(_done(action), "success")
    return redirect(url_for("admin_invoices.show", stripe_id=stripe_id), 303)


def _form(invoice: Invoice) -> ChargeForm:
    return ChargeForm.of_request(invoice=invoice)  # type: ignore[return-value]


def _page(invoice: Invoice, account: Account, problem: BillingError | None = None) -> Any:
    form = _form(invoice)
    shown = form.is_sent and form.validate()
    page = render_template(
        "admin/off_session_charge/show.html",
        invoice=invoice,
        account=account,
        form=form,
        shown=shown,
        problem=said(problem) if problem else None,
        waiting=staff_actions.open_on(invoice.stripe_id),
        agreement=Agreement.to(left_of_invoice.state(invoice.stripe_id), problem),
    )
    return page if request.method == "POST" or shown or not form.is_sent else (page, 422)


def _named(method: PaymentMethod) -> str:
    name = (method.brand or method.type).replace("_", " ").capitalize()
    return f"{name} ending {method.last4}" if method.last4 else name


def _done(action: StaffAction) -> str:
    amount = money_text(action.params["amount"], action.params["currency"])
    if (action.result or {}).get("status") == "processing":
        return f"A payment of {amount} is on its way. The bank takes some days."
    return f"{amount} was charged, and the invoice is paid."

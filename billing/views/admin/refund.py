"""Refunding a payment of an invoice, without a credit note."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from wtforms import SelectField, StringField
from wtforms.validators import Length, ValidationError

from billing import amount_field, dates, left_of_invoice, refunds, staff_actions
from billing.authorization import any_invoice_or_404, staff_required
from billing.errors import BillingError
from billing.left_of_invoice import Left, Paid
from billing.refunds import REFUND
from billing.review import CARE, Agreement, MoneyField, ReviewForm, choices, press, said
from billing.templating import money as money_text
from models import Account, Invoice, Refund, StaffAction, db

bp = Blueprint("admin_refund", __name__, url_prefix="/admin/invoices/<stripe_id>/refund")


class RefundForm(ReviewForm):
    payment = SelectField("Payment")
    amount = MoneyField("Amount")
    reason = SelectField("Reason", choices=choices(refunds.REASONS), default=refunds.REASONS[0][0])
    note = StringField("Note for your colleagues", [Length(max=300)])

    def __init__(self, *args: Any, invoice: Invoice, left: Left, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.currency, self.amount.currency = invoice.currency, invoice.currency
        self.payments = {each.payment_intent_id: each for each in left.payments if each.left}
        self.payment.choices = choices(
            (each.payment_intent_id, _named(each, invoice.currency))
            for each in self.payments.values()
        )
        if not self.payment.data and self.payments:
            self.payment.data = next(iter(self.payments))
        if not self.is_sent and self.paid:
            self.amount.data = amount_field.written(self.paid.left, invoice.currency)

    @property
    def paid(self) -> Paid | None:
        return self.payments.get(self.payment.data or "")

    def validate_amount(self, field: MoneyField) -> None:
        left = self.paid.left if self.paid else 0
        if field.amount < 1:
            raise ValidationError("Enter more than nothing.")
        if field.amount > left:
            raise ValidationError(
                f"Only {money_text(left, self.currency)} of this payment is left to refund."
            )


@bp.get("")
@staff_required(*CARE)
def show(stripe_id: str) -> Any:
    return _page(*any_invoice_or_404(stripe_id))


@bp.post("")
@staff_required(*CARE)
def create(stripe_id: str) -> Any:
    invoice, account = any_invoice_or_404(stripe_id)
    form = _form(invoice)
    try:
        action = press(REFUND, stripe_id, account, form, lambda: _params(form))
    except BillingError as problem:
        return _page(invoice, account, problem), problem.status
    if action is None:
        return _page(invoice, account), 422
    flash(_done(action, invoice), "success")
    return redirect(url_for("admin_invoices.show", stripe_id=stripe_id), 303)


def _form(invoice: Invoice) -> RefundForm:
    return RefundForm.of_request(invoice=invoice, left=left_of_invoice.of(invoice))  # type: ignore[return-value]


def _params(form: RefundForm) -> dict[str, Any]:
    return {
        "payment_intent": form.payment.data,
        "amount": form.amount.amount,
        "currency": form.currency,
        "reason": form.reason.data,
        "note": (form.note.data or "").strip(),
    }


def _page(invoice: Invoice, account: Account, problem: BillingError | None = None) -> Any:
    form = _form(invoice)
    shown = form.is_sent and form.validate()
    page = render_template(
        "admin/refund/show.html",
        invoice=invoice,
        account=account,
        left=left_of_invoice.of(invoice),
        form=form,
        shown=shown,
        problem=said(problem) if problem else None,
        waiting=staff_actions.open_on(invoice.stripe_id),
        agreement=Agreement.to(left_of_invoice.state(invoice.stripe_id), problem),
    )
    return page if request.method == "POST" or shown or not form.is_sent else (page, 422)


def _named(paid: Paid, currency: str) -> str:
    left, whole = money_text(paid.left, currency), money_text(paid.amount, currency)
    return f"{left} left of {whole}{f', paid on {dates.day(paid.at)}' if paid.at else ''}"


def _done(action: StaffAction, invoice: Invoice) -> str:
    amount = money_text(action.params["amount"], action.params["currency"])
    refund = db.session.get(Refund, (action.result or {}).get("refund", ""))
    if refund is not None and refund.status == "pending":
        return f"A refund of {amount} is on its way to the bank, which takes some days."
    if refund is not None and refund.status == "failed":
        return f"The refund of {amount} failed: the bank did not take it."
    return f"{amount} was refunded. The bank shows it within 10 days."

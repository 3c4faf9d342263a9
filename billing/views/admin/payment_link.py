"""Sending an account a link to pay an invoice, or to mend how it pays."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from wtforms import RadioField

from billing import payment_request
from billing.authorization import account_or_404, staff_required
from billing.notices.recipients import recipients
from billing.review import CARE, Agreement, ReviewForm, choices
from billing.templating import money as money_text
from models import Account, Invoice

bp = Blueprint(
    "admin_payment_link", __name__, url_prefix="/admin/customers/<int:account_number>/payment-link"
)
METHOD = "payment-method"


class PaymentLinkForm(ReviewForm):
    invoice = RadioField("What it asks for")

    def __init__(self, *args: Any, account: Account, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.invoices = {one.stripe_id: one for one in payment_request.choices(account)}
        asked = [(key, _named(one)) for key, one in self.invoices.items()]
        self.invoice.choices = choices([*asked, (METHOD, "Another payment method")])
        if not self.invoice.data:
            self.invoice.data = next(iter(self.invoices), METHOD)

    @property
    def chosen(self) -> Invoice | None:
        return self.invoices.get(self.invoice.data or "")


@bp.get("")
@staff_required(*CARE)
def show(account_number: int) -> Any:
    return _page(account_or_404(account_number))


@bp.post("")
@staff_required(*CARE)
def create(account_number: int) -> Any:
    account = account_or_404(account_number)
    form = _form(account)
    attempt = Agreement.sent().attempt
    if not form.validate() or not attempt:
        return _page(account)
    payment_request.send(account, form.chosen, attempt=attempt)
    flash(f"The mail to {', '.join(recipients(account))} is on its way.", "success")
    return redirect(url_for("admin_customers.show", account_number=account.id), 303)


def _form(account: Account) -> PaymentLinkForm:
    return PaymentLinkForm.of_request(account=account)  # type: ignore[return-value]


def _page(account: Account) -> Any:
    form = _form(account)
    shown = not form.is_sent or form.validate()
    page = render_template(
        "admin/payment_link/show.html",
        account=account,
        form=form,
        addresses=recipients(account),
        agreement=Agreement.to({}),
    )
    return page if shown else (page, 422)


def _named(invoice: Invoice) -> str:
    amount = money_text(invoice.amount_remaining, invoice.currency)
    return f"Invoice {invoice.label}, {amount}"

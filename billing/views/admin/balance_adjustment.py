"""Changing a customer's balance by hand, with what the next invoice will be."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from wtforms import RadioField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from billing import balance_adjustment, staff_actions
from billing.authorization import account_or_404, staff_required
from billing.balance_adjustment import ADJUSTMENT
from billing.clock import now
from billing.errors import BillingError
from billing.review import CARE, Agreement, MoneyField, ReviewForm, choices, press, said
from billing.templating import money as money_text
from billing.upcoming_charges import upcoming_charges
from models import Account, StaffAction

bp = Blueprint(
    "admin_balance_adjustment",
    __name__,
    url_prefix="/admin/customers/<int:account_number>/balance-adjustment",
)
CREDIT, DEBIT = "credit", "debit"


class BalanceForm(ReviewForm):
    way = RadioField(
        "What it is",
        choices=choices(
            [
                (CREDIT, "Credit: the customer pays less on the next invoices"),
                (DEBIT, "Debit: the customer pays more on the next invoice"),
            ]
        ),
        default=CREDIT,
    )
    amount = MoneyField("Amount")
    reason = StringField(
        "Reason", [InputRequired("Say why, for the customer's and your records."), Length(max=300)]
    )

    def __init__(self, *args: Any, currency: str, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.amount.currency = currency

    def validate_amount(self, field: MoneyField) -> None:
        if field.amount < 1:
            raise ValidationError("Enter more than nothing.")

    @property
    def change(self) -> int:
        """What the balance changes by, minor units; negative is credit, as at Stripe."""
        return -self.amount.amount if self.way.data == CREDIT else self.amount.amount


@bp.get("")
@staff_required(*CARE)
def show(account_number: int) -> Any:
    return _page(account_or_404(account_number))


@bp.post("")
@staff_required(*CARE)
def create(account_number: int) -> Any:
    account = account_or_404(account_number)
    currency = balance_adjustment.currency_of(account)
    if account.customer is None or currency is None:
        return _page(account)
    form = _form(currency)
    customer_id = account.customer.stripe_id
    try:
        action = press(ADJUSTMENT, customer_id, account, form, lambda: _params(form, currency))
    except BillingError as problem:
        return _page(account, problem), problem.status
    if action is None:
        return _page(account), 422
    flash(_done(action), "success")
    return redirect(url_for("admin_customers.show", account_number=account.id), 303)


def _form(currency: str) -> BalanceForm:
    return BalanceForm.of_request(currency=currency)  # type: ignore[return-value]


def _params(form: BalanceForm, currency: str) -> dict[str, Any]:
    reason = (form.reason.data or "").strip()
    return {"amount": form.change, "currency": currency, "reason": reason}


def _page(account: Account, problem: BillingError | None = None) -> Any:
    customer, currency = account.customer, balance_adjustment.currency_of(account)
    if customer is None or currency is None:
        return render_template("admin/balance_adjustment/show.html", account=account, form=None)
    form = _form(currency)
    shown = form.is_sent and form.validate()
    before, after = (
        next(iter(upcoming_charges(customer.stripe_id, now(), change)), None)
        for change in (0, form.change if shown else 0)
    )
    page = render_template(
        "admin/balance_adjustment/show.html",
        account=account,
        customer=customer,
        currency=currency,
        form=form,
        shown=shown,
        before=before,
        after=after,
        problem=said(problem) if problem else None,
        waiting=staff_actions.open_on(customer.stripe_id),
        agreement=Agreement.to(balance_adjustment.state(customer.stripe_id), problem),
    )
    return page if request.method == "POST" or shown or not form.is_sent else (page, 422)


def _done(action: StaffAction) -> str:
    currency = action.params["currency"]
    amount, ending = action.params["amount"], (action.result or {}).get("balance", 0)
    words = "credited to" if amount < 0 else "charged to"
    now_is = "nothing" if not ending else money_text(abs(ending), currency)
    kind = " of credit" if ending < 0 else " owed" if ending > 0 else ""
    return f"{money_text(abs(amount), currency)} was {words} the balance: it is {now_is}{kind} now."

"""Issuing a credit note of an invoice: whole, of an amount, or by line."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from wtforms import RadioField, SelectField, StringField
from wtforms.validators import Length, ValidationError

from billing import amount_field, credit_notes, left_of_invoice, staff_actions
from billing.authorization import any_invoice_or_404, staff_required
from billing.credit_notes import CREDIT_NOTE, REFUNDED, Selection
from billing.errors import BillingError, InvalidRequest
from billing.left_of_invoice import CreditableLine, Left
from billing.review import CARE, Agreement, ReviewForm, choices, may_be_sent_again, press, said
from billing.templating import money as money_text
from models import Account, Invoice, StaffAction

bp = Blueprint("admin_credit_note", __name__, url_prefix="/admin/invoices/<stripe_id>/credit-note")

WHAT = (("whole", "Everything that is left"), ("amount", "An amount"), ("lines", "Lines"))
TO = {
    credit_notes.METHOD: "Refund it to the payment method",
    credit_notes.BALANCE: "Credit the customer's balance, for the next invoices",
    credit_notes.ELSEWHERE: "It was or will be paid outside of Stripe",
    REFUNDED: "It was refunded before, without a note",
}


class CreditNoteForm(ReviewForm):
    """`lines` are typed beside each line, as `line-<its id>`."""

    what = RadioField("What is credited", choices=choices(WHAT), default="whole")
    amount = StringField("Amount")
    to = RadioField("Where the money goes")
    reason = SelectField(
        "Reason", choices=choices([("", "None given"), *credit_notes.REASONS]), default=""
    )
    memo = StringField("Text on the credit note", [Length(max=300)])

    def __init__(self, *args: Any, invoice: Invoice, left: Left, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.invoice, self.left = invoice, left
        self.selection = Selection(0)
        self.to.choices = choices((to, TO[to]) for to in credit_notes.destinations(invoice, left))
        self.to.validate_choice = bool(self.to.choices)
        if not self.to.data and self.to.choices:
            self.to.data = self.to.choices[0].value
        if not self.is_sent:
            self.amount.data = amount_field.written(left.to_credit, invoice.currency)

    @property
    def values(self) -> dict[str, str]:
        typed = {name: request.values[name] for name in request.values if name.startswith("line-")}
        return {**super().values, **typed}

    def typed(self, each: CreditableLine) -> str:
        return request.values.get(f"line-{each.line.stripe_id}", "")

    def validate_what(self, field: RadioField) -> None:
        if field.data == "whole":
            self.selection = credit_notes.whole(self.left)
        elif field.data == "lines":
            picked = {each.line.stripe_id: self._picked(each) for each in self.left.lines}
            self.selection = credit_notes.of_lines(self.left, picked)
        else:
            return
        self._check(self.selection.total)

    def validate_amount(self, field: StringField) -> None:
        if self.what.data != "amount":
            return
        try:
            amount = amount_field.read(field.data or "", self.invoice.currency)
        except ValueError as error:
            raise ValidationError(str(error)) from None
        self._check(amount)
        self.selection = credit_notes.of_amount(amount)

    def validate_to(self, field: RadioField) -> None:
        most = self.left.refunded_without_note
        if field.data == REFUNDED and self.selection.total > most:
            raise ValidationError(
                f"Only {money_text(most, self.invoice.currency)} was refunded without a note."
            )

    def _check(self, total: int) -> None:
        if total < 1:
            raise ValidationError("Credit more than nothing.")
        if total > self.left.to_credit:
            left = money_text(self.left.to_credit, self.invoice.currency)
            raise ValidationError(f"Only {left} is left to credit.")

    def _picked(self, each: CreditableLine) -> tuple[int | None, int | None]:
        """How many of the line, or how much of it, was typed."""
        typed, name = self.typed(each).strip(), each.line.description or "a line"
        if not typed:
            return None, None
        if each.quantity_left is not None:
            count = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else -1
            if not 0 <= count <= each.quantity_left:
                raise ValidationError(f"{name}: a whole number up to {each.quantity_left}.")
            return count, None
        try:
            amount = amount_field.read(typed, self.invoice.currency)
        except ValueError as error:
            raise ValidationError(f"{name}: {error}") from None
        if amount > each.left:
            left = money_text(each.left, self.invoice.currency)
            raise ValidationError(f"{name}: only {left} of it is left.")
        return None, amount


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
        action = press(CREDIT_NOTE, stripe_id, account, form, lambda: _params(form))
    except BillingError as problem:
        return _page(invoice, account, problem), problem.status
    if action is None:
        return _page(invoice, account), 422
    flash(_done(action), "success")
    return redirect(url_for("admin_invoices.show", stripe_id=stripe_id), 303)


def _form(invoice: Invoice) -> CreditNoteForm:
    left = left_of_invoice.of(invoice)
    return CreditNoteForm.of_request(invoice=invoice, left=left)  # type: ignore[return-value]


def _params(form: CreditNoteForm) -> dict[str, Any]:
    return credit_notes.params(
        form.invoice,
        form.left,
        form.selection,
        form.to.data or "",
        reason=form.reason.data or "",
        memo=(form.memo.data or "").strip(),
    )


def _page(invoice: Invoice, account: Account, problem: BillingError | None = None) -> Any:
    """The form, and what Stripe says the note would be; it renders without Stripe too."""
    form = _form(invoice)
    good = form.is_sent and form.validate()
    agreed, note, silent = None, None, False
    if good and not (problem and may_be_sent_again(problem)):
        agreed = _params(form)
        try:
            note = credit_notes.preview(invoice, agreed)
        except InvalidRequest as refused:
            problem = problem or refused
        except BillingError:
            silent = True
    elif good:
        agreed = _params(form)
    page = render_template(
        "admin/credit_note/show.html",
        invoice=invoice,
        account=account,
        left=form.left,
        form=form,
        agreed=agreed,
        note=note,
        again=bool(problem and may_be_sent_again(problem)),
        silent=silent,
        problem=said(problem) if problem else None,
        waiting=staff_actions.open_on(invoice.stripe_id),
        agreement=Agreement.to(left_of_invoice.state(invoice.stripe_id), problem),
    )
    return page if request.method == "POST" or good or not form.is_sent else (page, 422)


def _done(action: StaffAction) -> str:
    params, result = action.params, action.result or {}
    ways = [
        f"{money_text(params[name], params['currency'])} {words}"
        for name, words in (
            ("refund", "is refunded to the payment method"),
            ("credit", "is credit for the next invoices"),
            ("elsewhere", "is paid outside of Stripe"),
        )
        if params[name]
    ]
    total = money_text(result.get("total", params["total"]), params["currency"])
    return f"Credit note {result.get('number', '')} over {total} was issued. " + (
        f"{', '.join(ways)}." if ways else ""
    )

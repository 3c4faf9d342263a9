"""Ending a subscription for a customer, with or without what is unused; and undoing it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from wtforms import HiddenField, RadioField, SelectField, TextAreaField
from wtforms.validators import Length

from billing import cancellation, dates, staff_actions, termination
from billing.authorization import account_or_404, staff_required
from billing.clock import from_unix, now
from billing.errors import BillingError, StripeBusy
from billing.review import CARE, Agreement, ReviewForm, choices, may_be_sent_again, press, said
from billing.templating import money as money_text
from billing.termination import NOW, NOW_CREDIT, NOW_REFUND, PERIOD_END, TERMINATION, Unused
from models import Account, Invoice, StaffAction, Subscription, db

bp = Blueprint(
    "admin_cancellation", __name__, url_prefix="/admin/customers/<int:account_number>/cancellation"
)

WAYS = {
    PERIOD_END: "At the end of what is paid for",
    NOW: "Now, and give nothing back",
    NOW_REFUND: "Now, and refund the unused time",
    NOW_CREDIT: "Now, and credit the unused time to the balance",
}
# A preview is good for so many seconds.
GOOD_FOR = 30 * 60


class EndForm(ReviewForm):
    """`at` is the moment, Unix seconds, that the unused time was counted from."""

    way = RadioField("When it ends")
    feedback = SelectField(
        "Reason", choices=choices([("", "None given"), *cancellation.REASONS]), default=""
    )
    comment = TextAreaField("Note", [Length(max=500)])
    at = HiddenField()

    def __init__(self, *args: Any, subscription: Subscription, **kwargs: Any):
        super().__init__(*args, **kwargs)
        ways = [NOW] if cancellation.ends_at_once(subscription) else [PERIOD_END, NOW]
        if subscription.status == "active":
            ways += [NOW_REFUND, NOW_CREDIT]
        self.way.choices = choices((way, WAYS[way]) for way in ways)
        if not self.way.data:
            self.way.data = ways[0]

    @property
    def gives_back(self) -> bool:
        return self.way.data in (NOW_REFUND, NOW_CREDIT)


@bp.get("")
@staff_required(*CARE)
def show(account_number: int) -> Any:
    return _page(account_or_404(account_number))


@bp.post("")
@staff_required(*CARE)
def create(account_number: int) -> Any:
    account = account_or_404(account_number)
    subscription = account.subscription
    if subscription is None:
        return _page(account)
    form = _form(subscription)
    try:
        action = press(
            TERMINATION,
            subscription.stripe_id,
            account,
            form,
            lambda: _params(form, subscription),
        )
    except BillingError as problem:
        return _page(account, problem), problem.status
    if action is None:
        return _page(account), 422
    refused = (action.result or {}).get("refused")
    flash(_done(action, subscription), "warning" if refused else "success")
    return redirect(url_for("admin_customers.show", account_number=account.id), 303)


@bp.post("/undo")
@staff_required(*CARE)
def undo(account_number: int) -> Any:
    account = account_or_404(account_number)
    subscription = account.subscription
    if subscription is None or not subscription.is_live:
        flash("It has ended already, so there is nothing to undo.", "warning")
    elif not subscription.is_ending:
        flash("It is not ending. There was nothing to undo.", "info")
    else:
        try:
            goes_on = cancellation.undo(subscription, account_id=account.id).is_live
        except BillingError as problem:
            return _page(account, problem), problem.status
        flash(
            "It goes on. Nothing was charged." if goes_on else "It has ended in the meantime.",
            "success" if goes_on else "warning",
        )
    return redirect(url_for("admin_customers.show", account_number=account.id), 303)


def _form(subscription: Subscription) -> EndForm:
    return EndForm.of_request(subscription=subscription)  # type: ignore[return-value]


def _params(form: EndForm, subscription: Subscription) -> dict[str, Any]:
    """What the page showed, worked out again for the same moment."""
    given = Unused(0, subscription.currency)
    if form.gives_back:
        typed = form.at.data or ""
        at = from_unix(int(typed)) if typed.isascii() and typed.isdigit() else None
        if at is None or not 0 <= (now() - at).total_seconds() <= GOOD_FOR:
            raise staff_actions.Changed
        try:
            given = termination.unused(subscription, at)
        except BillingError as error:
            raise StripeBusy from error
    comment = (form.comment.data or "").strip()
    way, feedback = form.way.data, form.feedback.data or ""
    return termination.params(way, given, feedback=feedback, comment=comment)


def _page(account: Account, problem: BillingError | None = None) -> Any:
    subscription = account.subscription
    live = subscription is not None and subscription.is_live
    shared: dict[str, Any] = {"account": account, "subscription": subscription}
    shared["problem"] = said(problem) if problem else None
    if subscription is None or not live or subscription.is_ending:
        return render_template("admin/cancellation/show.html", form=None, **shared)
    form = _form(subscription)
    shown = form.is_sent and form.validate()
    at = _moment(form, problem)
    given, silent = None, False
    if shown and form.gives_back:
        given = _agreed(subscription, problem)
        try:
            given = given or termination.unused(subscription, at)
        except BillingError:
            silent = True
    page = render_template(
        "admin/cancellation/show.html",
        form=form,
        shown=shown,
        given=given,
        silent=silent,
        at=int(at.timestamp()),
        last_moment=termination.ends_on(subscription, form.way.data),
        waiting=staff_actions.open_on(subscription.stripe_id),
        agreement=Agreement.to(termination.state(subscription.stripe_id), problem),
        **shared,
    )
    return page if request.method == "POST" or shown or not form.is_sent else (page, 422)


def _agreed(subscription: Subscription, problem: BillingError | None) -> Unused | None:
    """What was agreed to be given back, where the same button may be pressed again."""
    if problem is None or not may_be_sent_again(problem):
        return None
    action = staff_actions.find(TERMINATION, subscription.stripe_id, Agreement.sent().attempt)
    if action is None:
        return None
    amount, invoice_id = action.params["amount"], action.params["invoice"]
    invoice = db.session.get(Invoice, invoice_id) if invoice_id else None
    return Unused(amount, action.params["currency"], invoice, amount, amount)


def _moment(form: EndForm, problem: BillingError | None) -> Any:
    """The moment that was shown, where the same button may be pressed again; else now."""
    typed = form.at.data or ""
    if problem and may_be_sent_again(problem) and typed.isascii() and typed.isdigit():
        return from_unix(int(typed)) or now()
    return now()


def _done(action: StaffAction, subscription: Subscription) -> str:
    params, result = action.params, action.result or {}
    if params["way"] == PERIOD_END:
        return f"The subscription ends on {dates.day(subscription.ends_on)}."
    amount = money_text(params["amount"], params["currency"]) if params["amount"] else ""
    if result.get("refused"):
        return (
            f"The subscription has ended, but {amount} was not given back: {result['refused']} "
            "Do it on the invoice's page."
        )
    back = {NOW_REFUND: f" {amount} is refunded.", NOW_CREDIT: f" {amount} is credited."}
    return "The subscription has ended." + (back.get(params["way"], "") if amount else "")

"""Giving a subscription time for free: a longer trial, or a free period after the paid one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from wtforms import DateField
from wtforms.validators import ValidationError

from billing import dates, staff_actions, trial_extension
from billing.authorization import account_or_404, staff_required
from billing.clock import from_unix, now
from billing.errors import BillingError
from billing.review import CARE, Agreement, ReviewForm, press, said
from billing.trial_extension import EXTENSION
from billing.upcoming_charges import UpcomingCharge, upcoming_charges
from models import Account, Subscription

bp = Blueprint(
    "admin_trial_extension",
    __name__,
    url_prefix="/admin/customers/<int:account_number>/trial-extension",
)
# What the form begins with.
USUAL = timedelta(days=14)


class ExtensionForm(ReviewForm):
    until = DateField("Free until")

    def __init__(self, *args: Any, subscription: Subscription, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.first = trial_extension.free_from(subscription)
        if not self.is_sent:
            self.until.data = (self.first + USUAL).date()

    def validate_until(self, field: DateField) -> None:
        last = trial_extension.last_day()
        if field.data is None:
            raise ValidationError("Give a day as 2026-11-30.")
        if field.data <= self.first.date():
            raise ValidationError(f"Choose a day after {dates.day(self.first)}.")
        if field.data > last:
            raise ValidationError(f"Stripe takes days up to {dates.day(last)}.")


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
            EXTENSION, subscription.stripe_id, account, form, lambda: _params(form, subscription)
        )
    except BillingError as problem:
        return _page(account, problem), problem.status
    if action is None:
        return _page(account), 422
    day = dates.day(from_unix(action.params["until"]))
    flash(f"{account.name} has it for free until {day} and is charged next on that day.", "success")
    return redirect(url_for("admin_customers.show", account_number=account.id), 303)


def _form(subscription: Subscription) -> ExtensionForm:
    return ExtensionForm.of_request(subscription=subscription)  # type: ignore[return-value]


def _params(form: ExtensionForm, subscription: Subscription) -> dict[str, Any]:
    until = trial_extension.free_until(subscription, form.until.data)
    return {"until": int(until.timestamp()), "instead_of": int(form.first.timestamp())}


def _page(account: Account, problem: BillingError | None = None) -> Any:
    subscription = account.subscription
    obstacle = trial_extension.obstacle(subscription)
    shared = {"account": account, "subscription": subscription, "obstacle": obstacle}
    shared["problem"] = said(problem) if problem else None
    if obstacle or subscription is None:
        return render_template("admin/trial_extension/show.html", form=None, **shared)
    form = _form(subscription)
    shown = form.is_sent and form.validate()
    page = render_template(
        "admin/trial_extension/show.html",
        form=form,
        shown=shown,
        days=(form.until.data - form.first.date()).days if shown else 0,
        charge=_next_charge(subscription),
        waiting=staff_actions.open_on(subscription.stripe_id),
        agreement=Agreement.to(trial_extension.state(subscription.stripe_id), problem),
        **shared,
    )
    return page if request.method == "POST" or shown or not form.is_sent else (page, 422)


def _next_charge(subscription: Subscription) -> UpcomingCharge | None:
    coming = upcoming_charges(subscription.customer_id, now())
    return next(
        (
            one
            for one in coming
            if one.subscription is not None and one.subscription.stripe_id == subscription.stripe_id
        ),
        None,
    )

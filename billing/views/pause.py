"""Pausing a subscription, and changing the day on which it resumes."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import RadioField
from wtforms.validators import InputRequired

from billing import dates, money, pauses
from billing.authorization import current_account, member_required
from billing.clock import now
from billing.errors import BillingError, StripeBusy, StripeMisconfigured, StripeUnavailable
from billing.views.plan_change import choose_a_plan, live_subscription
from models import Pause, Subscription, db

bp = Blueprint("pause", __name__)

OPEN_END = "0"


class PauseForm(FlaskForm):
    """For how many months; 0 is until resumed."""

    months = RadioField("For how long?", validators=[InputRequired("Choose how long.")])

    def __init__(self, choices: list[pauses.Choice], *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.months.choices = [
            *((str(choice.months), _label(choice)) for choice in choices),
            (OPEN_END, "Until I resume it"),
        ]
        self.days = {str(choice.months): choice.on for choice in choices}


def _label(choice: pauses.Choice) -> str:
    months = "1 month" if choice.months == 1 else f"{choice.months} months"
    return f"{months}, until {dates.day(choice.on)}"


@bp.get("/pause")
@member_required("owner", "billing")
def show() -> Any:
    subscription = live_subscription()
    return choose_a_plan() if subscription is None else _page(subscription)


@bp.post("/pause")
@member_required("owner", "billing")
def create() -> Any:
    subscription = live_subscription()
    if subscription is None:
        return choose_a_plan()
    if subscription.status == "paused":
        flash("It is paused already. Nothing was changed.", "info")
        return redirect(url_for(".show"), 303)
    form = PauseForm(pauses.choices(now(), now()))
    if not form.validate():
        return _page(subscription, form), 422
    try:
        credit = pauses.create(
            subscription,
            int(form.months.data) or None,
            account_id=current_account.id,
            user_id=current_user.id,
        )
    except (StripeUnavailable, StripeBusy, StripeMisconfigured, pauses.NotPausable) as error:
        db.session.rollback()
        return _page(subscription, form, problem=error), error.status
    _say(subscription, credit)
    return redirect(url_for("subscription.show"), 303)


@bp.post("/pause/day")
@member_required("owner", "billing")
def reschedule() -> Any:
    subscription = live_subscription()
    pause = subscription.pause if subscription is not None else None
    if subscription is None or pause is None:
        flash("It is not paused, so there is no day to change. Nothing was changed.", "info")
        return redirect(url_for("subscription.show"), 303)
    form = PauseForm(pauses.choices(pause.paused_at or pause.requested_at, now()))
    if not form.validate():
        return _page(subscription, form), 422
    pauses.reschedule(pause, form.days.get(form.months.data))
    _say_when(pause)
    return redirect(url_for("subscription.show"), 303)


def _page(
    subscription: Subscription, form: PauseForm | None = None, problem: BillingError | None = None
) -> str:
    pause = subscription.pause
    if subscription.status == "paused":
        began = pause and (pause.paused_at or pause.requested_at)
        if form is None and began:
            form = PauseForm(pauses.choices(began, now()), data={"months": _chosen(pause)})
        return render_template(
            "pause/running.html", subscription=subscription, pause=pause, form=form
        )
    obstacle = pauses.obstacle(subscription)
    credit, silent = None, False
    if obstacle is None and not problem:
        try:
            credit = pauses.credit(subscription)
        except (StripeUnavailable, StripeBusy, StripeMisconfigured):
            db.session.rollback()
            silent = True
    return render_template(
        "pause/show.html",
        subscription=subscription,
        obstacle=obstacle,
        form=form or PauseForm(pauses.choices(now(), now()), data={"months": _asked()}),
        problem=problem,
        credit=credit,
        silent=silent,
    )


def _asked() -> str:
    """The months that a link, such as the one beside a cancellation, has chosen already."""
    months = request.args.get("months", "1")
    return months if months in {OPEN_END, *map(str, pauses.MONTHS)} else "1"


def _chosen(pause: Pause | None) -> str:
    if pause is None or pause.resumes_at is None:
        return OPEN_END
    began = pause.paused_at or pause.requested_at
    found = (m for m in pauses.MONTHS if pauses.months_later(began, m) == pause.resumes_at)
    return str(next(found, OPEN_END))


def _say(subscription: Subscription, credit: int) -> None:
    name = subscription.plan.name if subscription.plan else "Your subscription"
    said = f"{name} is paused, and nothing is charged for it."
    if credit:
        amount = money.text(credit, subscription.currency, locale=str(get_locale() or "en_US"))
        said += f" {amount} for the time you did not use is kept as your credit."
    flash(said, "info")
    if subscription.pause is not None:
        _say_when(subscription.pause)


def _say_when(pause: Pause) -> None:
    if pause.resumes_at is None:
        flash("It stays paused until you resume it.", "info")
    else:
        flash(f"It resumes by itself on {dates.day(pause.resumes_at)}.", "info")

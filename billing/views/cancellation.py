"""Cancelling a subscription, and keeping it after all."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_wtf import FlaskForm
from wtforms import RadioField, SelectChoice, TextAreaField
from wtforms.validators import InputRequired, Length

from billing import cancellation, dates
from billing.authorization import current_account, member_required
from billing.errors import StripeBusy, StripeMisconfigured, StripeUnavailable
from models import Subscription, db

bp = Blueprint("cancellation", __name__)


class CancellationForm(FlaskForm):
    feedback = RadioField(
        "Why are you leaving?",
        choices=[SelectChoice(value, words) for value, words in cancellation.REASONS],
        validators=[InputRequired("Choose the reason that fits best.")],
    )
    comment = TextAreaField(
        "Anything you would like us to know",
        validators=[Length(max=1000, message="Please keep it under 1,000 characters.")],
    )


@bp.get("/cancellation")
@member_required("owner", "billing")
def show() -> Any:
    return _page(CancellationForm())


@bp.post("/cancellation")
@member_required("owner", "billing")
def create() -> Any:
    form = CancellationForm()
    subscription = current_account.subscription
    if subscription is None or not subscription.is_live or subscription.is_ending:
        return redirect(url_for(".show"), 303)
    if not form.validate():
        return _page(form), 422
    try:
        ended = cancellation.create(
            subscription, form.feedback.data, (form.comment.data or "").strip()
        )
    except (StripeUnavailable, StripeBusy, StripeMisconfigured) as error:
        db.session.rollback()
        return _page(form, problem=error), error.status
    flash(_said(ended), "info")
    return redirect(url_for("subscription.show"), 303)


@bp.post("/cancellation/undo")
@member_required("owner", "billing")
def undo() -> Any:
    subscription = current_account.subscription
    if subscription is None or not subscription.is_live:
        return _too_late()
    name = subscription.plan.name if subscription.plan else "Your subscription"
    if not subscription.is_ending:
        flash(f"{name} is not ending. There was nothing to undo.", "info")
        return redirect(url_for("subscription.show"), 303)
    if not cancellation.undo(subscription).is_live:
        return _too_late()
    flash(f"Good to have you. {name} goes on, and nothing was charged today.", "success")
    return redirect(url_for("subscription.show"), 303)


def _too_late() -> Any:
    flash("Your subscription has ended already. Choose a plan to start a new one.", "info")
    return redirect(url_for("plans.index"), 303)


def _page(form: CancellationForm, problem: Exception | None = None) -> str:
    subscription = current_account.subscription
    if subscription is None or not subscription.is_live:
        return render_template("cancellation/over.html", subscription=subscription)
    if subscription.is_ending:
        return render_template("cancellation/ending.html", subscription=subscription)
    return render_template(
        "cancellation/show.html",
        subscription=subscription,
        form=form,
        problem=problem,
        last_moment=cancellation.last_moment(subscription),
        cheaper=cancellation.cheaper_plan(subscription),
    )


def _said(subscription: Subscription) -> str:
    if subscription.ends_on is None:
        return "Your subscription has ended. Nothing more will be charged for it."
    day = dates.day(subscription.ends_on)
    return (
        f"Your subscription ends on {day}. You keep everything until then, nothing more is "
        "charged, and you can change your mind any time before."
    )

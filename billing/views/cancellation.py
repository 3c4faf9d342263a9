"""Cancelling a subscription, what is offered instead, and keeping it after all."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask_babel import get_locale
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import RadioField, SelectChoice, TextAreaField
from wtforms.validators import InputRequired, Length

from billing import access, cancellation, cancellation_offers, customer_view, dates, money
from billing.authorization import current_account, member_required
from billing.cancellation_offers import FEWER_SEATS, PAUSE, Offer, OfferGone
from billing.clock import from_unix, now
from billing.errors import StripeBusy, StripeMisconfigured, StripeUnavailable
from billing.retention_coupon import Effect
from models import Subscription, db

bp = Blueprint("cancellation", __name__)

SHOWN_AT = "cancellation_shown_at"


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
    subscription = _live()
    if subscription is None or subscription.is_ending:
        return redirect(url_for(".show"), 303)
    if not form.validate():
        return _page(form), 422
    reason = form.feedback.data
    seen = cancellation_offers.offers(current_account, subscription).get(reason)
    try:
        ended = cancellation.create(subscription, reason, (form.comment.data or "").strip())
    except (StripeUnavailable, StripeBusy, StripeMisconfigured) as error:
        db.session.rollback()
        return _page(form, problem=error), error.status
    if seen is not None and (ended.is_ending or not ended.is_live):
        cancellation_offers.decline(
            current_account, ended, seen, shown_at=_shown_at(), user_id=current_user.id
        )
    flash(_said(ended), "info")
    return redirect(url_for("subscription.show"), 303)


@bp.post("/cancellation/offer")
@member_required("owner", "billing")
def accept_offer() -> Any:
    """Takes what is offered instead: at once for a coupon, else on the page that does it."""
    subscription = _live()
    if subscription is None or subscription.is_ending:
        return redirect(url_for(".show"), 303)
    kind, _, shown = request.form.get("offer", "").partition(":")
    try:
        offer = cancellation_offers.accept(
            current_account,
            subscription,
            kind,
            shown_amount=int(shown) if shown.isascii() and shown.isdigit() else None,
            shown_at=_shown_at(),
            user_id=current_user.id,
        )
    except OfferGone as gone:
        flash(gone.message, "warning")
        return redirect(url_for(".show"), 303)
    except (StripeUnavailable, StripeBusy, StripeMisconfigured) as error:
        db.session.rollback()
        return _page(CancellationForm(formdata=None), problem=error), error.status
    return redirect(_where_to(offer), 303)


@bp.post("/cancellation/undo")
@member_required("owner", "billing")
def undo() -> Any:
    subscription = _live()
    if subscription is None:
        return _too_late()
    name = subscription.plan.name if subscription.plan else "Your subscription"
    if not subscription.is_ending:
        flash(f"{name} is not ending. There was nothing to undo.", "info")
        return redirect(url_for("subscription.show"), 303)
    if not cancellation.undo(subscription).is_live:
        return _too_late()
    flash(f"Good to have you. {name} goes on, and nothing was charged today.", "success")
    return redirect(url_for("subscription.show"), 303)


def _live() -> Subscription | None:
    found = current_account.subscription
    return found if found is not None and found.is_live else None


def _too_late() -> Any:
    flash("Your subscription has ended already. Choose a plan to start a new one.", "info")
    return redirect(url_for("plans.index"), 303)


def _page(form: CancellationForm, problem: Exception | None = None) -> str:
    subscription = current_account.subscription
    if subscription is None or not subscription.is_live:
        return render_template("cancellation/over.html", subscription=subscription)
    if subscription.is_ending:
        return render_template("cancellation/ending.html", subscription=subscription)
    if customer_view.current() is None:
        session.setdefault(SHOWN_AT, int(now().timestamp()))
    return render_template(
        "cancellation/show.html",
        subscription=subscription,
        form=form,
        problem=problem,
        last_moment=cancellation.last_moment(subscription),
        access=access.decide_on(subscription, current_account, now()),
        offers=cancellation_offers.offers(current_account, subscription),
    )


def _shown_at() -> datetime:
    """When the page with the offers was opened, by this browser's session."""
    return from_unix(session.pop(SHOWN_AT, None)) or now()


def _where_to(offer: Offer) -> str:
    if offer.kind == PAUSE:
        return url_for("pause.show")
    if offer.kind == FEWER_SEATS:
        return url_for("seats.show")
    if offer.plan is not None:
        return url_for("plan_change.show", slug=offer.plan.slug)
    flash(_discounted(offer.effect), "success")
    return url_for("subscription.show")


def _discounted(effect: Effect | None) -> str:
    if effect is None:
        return "Your discount is in place already. Nothing was cancelled, and nothing was charged."
    before, after = (
        money.text(amount, effect.currency, locale=str(get_locale() or "en_US"))
        for amount in (effect.before, effect.after)
    )
    return (
        f"Good to have you. From {dates.day(effect.first_on)} you pay {after} instead of {before}"
        f"{' plus tax' if effect.plus_tax else ''}, {effect.lasting}. Nothing was charged today."
    )


def _said(subscription: Subscription) -> str:
    if subscription.ends_on is None:
        return "Your subscription has ended. Nothing more will be charged for it."
    day = dates.day(subscription.ends_on)
    if subscription.is_past_due:
        return (
            f"Your subscription ends on {day}, and no new period is charged. The open invoice "
            "still waits to be paid. You can change your mind any time before."
        )
    return (
        f"Your subscription ends on {day}. You keep everything until then, nothing more is "
        "charged, and you can change your mind any time before."
    )

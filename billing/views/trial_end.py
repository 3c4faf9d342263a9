"""Ending a trial before its time: what is charged today, and doing it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_login import current_user

from billing import acceptance, beginning, plan_change, quoting
from billing.authorization import current_account, member_required
from billing.errors import CardDeclined, StripeBusy, StripeMisconfigured, StripeUnavailable
from billing.pricing import change
from billing.views.plan_change import accept, charged, choose_a_plan, live_subscription
from models import Quote, Subscription, db

bp = Blueprint("trial_end", __name__)


@bp.get("/trial-end")
@member_required("owner", "billing")
def show() -> Any:
    return page(beginning.TRIAL_END)


@bp.post("/trial-end")
@member_required("owner", "billing")
def confirm() -> Any:
    return confirmed(beginning.TRIAL_END)


def page(kind: beginning.Kind, declined: CardDeclined | None = None) -> Any:
    """The page of a trial's end or a resumption, with a fresh quote, or with why there is none.

    It renders without Stripe too: then it says so, and shows the list price.
    """
    subscription = live_subscription()
    if subscription is None:
        return choose_a_plan()
    quote, silent = None, None
    try:
        subscription = acceptance.settle(subscription)
        obstacle = beginning.obstacle(kind, subscription)
        if obstacle is not None and obstacle.kind in {"over", "confirming"}:
            return _elsewhere(kind, subscription, obstacle.kind)
        if obstacle is None:
            quote = beginning.ask(
                kind, subscription, account_id=current_account.id, user_id=current_user.id
            )
    except (StripeUnavailable, StripeBusy, StripeMisconfigured) as error:
        db.session.rollback()
        silent, obstacle = error, None
    price = subscription.price
    shown = render_template(
        f"{kind}/show.html",
        subscription=subscription,
        obstacle=obstacle,
        quote=quote,
        silent=silent,
        declined=declined,
        lines=quoting.lines(quote) if quote else [],
        renews_on=quoting.renews_on(quote, subscription) if quote else None,
        lacks_method=bool(quote and plan_change.lacks_method(subscription, quote)),
        change=change(subscription, price, subscription.quantity) if price else None,
    )
    return shown, declined.status if declined else 200


def confirmed(kind: beginning.Kind) -> Any:
    """Takes the step that the quote in the form is for; a declined card is shown on its page."""
    if live_subscription() is None:
        return choose_a_plan()
    try:
        return accept(lambda quote: quote.kind == kind, url_for(f"{kind}.show"), say=_say)
    except CardDeclined as declined:
        return page(kind, declined)


def _elsewhere(kind: str, subscription: Subscription, why: str) -> Any:
    if why == "confirming":
        return redirect(url_for("pending_change.show"), 303)
    name = subscription.plan.name if subscription.plan else "Your subscription"
    what = "is not in a trial any more" if kind == beginning.TRIAL_END else "is not paused"
    flash(f"{name} {what}. Nothing was changed and nothing was charged.", "info")
    return redirect(url_for("subscription.show"), 303)


def _say(quote: Quote) -> None:
    subscription = current_account.subscription
    name = subscription.plan.name if subscription and subscription.plan else "Your subscription"
    if subscription is not None and subscription.status == "paused":
        flash(f"Your payment is on its way. {name} resumes as soon as it has arrived.", "info")
    elif quote.kind == beginning.TRIAL_END:
        flash(f"Your trial is over and {name} is yours. {charged(quote)}", "success")
    else:
        flash(f"Welcome back: {name} runs again from today. {charged(quote)}", "success")

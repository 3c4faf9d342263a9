"""A change that waits for its payment: where it is paid, and dropping it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, url_for

from billing import acceptance, pending_change
from billing.authorization import member_required
from billing.views.plan_change import choose_a_plan, live_subscription
from models import Subscription, db

bp = Blueprint("pending_change", __name__)


@bp.get("/pending-change")
@member_required("owner", "billing")
def show() -> Any:
    """Leads to its invoice's confirmation, or to the subscription when nothing waits."""
    subscription = live_subscription()
    if subscription is None or pending_change.of(subscription) is None:
        return redirect(url_for("subscription.show"))
    return redirect(url_for("bank_confirmation.show", stripe_id=subscription.latest_invoice_id))


@bp.post("/pending-change/discard")
@member_required("owner", "billing")
def discard() -> Any:
    subscription = live_subscription()
    if subscription is None:
        return choose_a_plan()
    acceptance.discard_pending(subscription)
    return _outcome(subscription)


def _outcome(subscription: Subscription) -> Any:
    """Back to the subscription, with what became of the change."""
    db.session.refresh(subscription)
    name = subscription.plan.name if subscription.plan else "your plan"
    latest = subscription.latest_invoice
    if not subscription.is_live:
        flash("Your subscription has ended, so no change is made to it.", "info")
    elif latest is not None and pending_change.was_paid_by(latest):
        flash(f"Your payment is confirmed. You are now on {name}.", "success")
    elif latest is not None and latest.is_paid:
        flash(f"No change is waiting for your bank. You are on {name}.", "info")
    else:
        stays = f"{name} stays paused" if subscription.status == "paused" else f"You stay on {name}"
        pronoun = ", and you" if subscription.status == "paused" else " and"
        flash(f"The change is dropped. {stays}{pronoun} were not charged.", "info")
    return redirect(url_for("subscription.show"), 303)

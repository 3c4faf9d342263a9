"""A change that waits for the payer's bank: confirm it, look again, or drop it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, session, url_for
from sqlalchemy import select

from billing import acceptance
from billing.authorization import member_required
from billing.views.plan_change import choose_a_plan, live_subscription
from models import Invoice, Price, Quote, Subscription, db

bp = Blueprint("pending_change", __name__)


@bp.get("/pending-change")
@member_required("owner", "billing")
def show() -> Any:
    subscription = live_subscription()
    if subscription is None or not subscription.data.get("pending_update"):
        return redirect(url_for("subscription.show"))
    return render_template(
        "pending_change/show.html",
        subscription=subscription,
        invoice=subscription.latest_invoice,
        target=_target(subscription),
        client_secret=_client_secret(subscription),
    )


@bp.post("/pending-change")
@member_required("owner", "billing")
def look_again() -> Any:
    """Asks Stripe whether the bank has confirmed."""
    subscription = live_subscription()
    if subscription is None:
        return choose_a_plan()
    subscription = acceptance.look_again(subscription)
    if subscription.data.get("pending_update"):
        flash("Your bank has not confirmed the payment yet. You were not charged.", "warning")
        return redirect(url_for(".show"), 303)
    return _outcome(subscription)


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
    elif latest is not None and latest.is_paid and _paid_for_a_change(latest):
        flash(f"Your payment is confirmed. You are now on {name}.", "success")
    elif latest is not None and latest.is_paid:
        flash(f"No change is waiting for your bank. You are on {name}.", "info")
    else:
        stays = f"{name} stays paused" if subscription.status == "paused" else f"You stay on {name}"
        flash(f"The change is dropped. {stays} and you were not charged.", "info")
    return redirect(url_for("subscription.show"), 303)


def _paid_for_a_change(invoice: Invoice) -> bool:
    """Whether the invoice is of a change made here, and not simply the last one of a period."""
    found = select(Quote.id).where(Quote.invoice_id == invoice.stripe_id).limit(1)
    return db.session.scalar(found) is not None


def _client_secret(subscription: Subscription) -> str | None:
    """What lets this browser confirm the payment on the page, when it began the change itself."""
    invoice_id, secret = session.get("confirmation_secret") or (None, None)
    return secret if invoice_id == subscription.latest_invoice_id else None


def _target(subscription: Subscription) -> Price | None:
    """The price that the subscription moves to once the payment is confirmed."""
    items = subscription.data["pending_update"].get("subscription_items") or []
    reference = items[0]["price"] if items else None
    price_id = reference["id"] if isinstance(reference, dict) else reference
    return db.session.get(Price, price_id) if price_id else None

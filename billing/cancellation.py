"""Ending a subscription: when it would end, the reason, doing it and undoing it."""

from __future__ import annotations

from datetime import datetime

from billing import acceptance, outcome, plan_change, scheduled_change, sync
from billing.audit import record
from billing.errors import GoneFromStripe, InvalidRequest, Refused
from billing.gateway import cancellation as gateway
from billing.gateway.cancellation import Feedback
from billing.pricing import Cadence, amount_for, price_for, seats_for
from models import Product, Subscription, db

# Stripe's feedback values, in the words people would use, the likeliest first.
REASONS: tuple[tuple[Feedback, str], ...] = (
    ("too_expensive", "It costs too much"),
    ("unused", "I do not use it enough"),
    ("missing_features", "Something I need is missing"),
    ("switched_service", "I am moving to something else"),
    ("too_complex", "It is too complicated"),
    ("low_quality", "It does not work well enough"),
    ("customer_service", "I was not happy with the support"),
    ("other", "Something else"),
)

# Nothing is paid for in these, so that there is no period to wait for the end of.
WITHOUT_PAID_PERIOD = frozenset({"unpaid", "incomplete", "paused"})


def ends_at_once(subscription: Subscription) -> bool:
    """Whether cancelling ends it right away, there being no paid time left."""
    return subscription.status in WITHOUT_PAID_PERIOD


def last_moment(subscription: Subscription) -> datetime | None:
    """Until when there is access if it is cancelled now; None when it ends at once."""
    if ends_at_once(subscription):
        return None
    if subscription.is_trialing and subscription.trial_end is not None:
        return subscription.trial_end
    return subscription.current_period_end


def cheaper_plan(subscription: Subscription) -> tuple[Product, int] | None:
    """The dearest plan that costs less, seats and all, with its price for one period."""
    price = subscription.price
    current = amount_for(price, subscription.quantity, subscription.currency) if price else None
    if price is None or current is None:
        return None
    found = []
    for plan in Product.offered():
        other = price_for(plan, Cadence.of(price), subscription.currency)
        amount = (
            amount_for(other, seats_for(plan, subscription), subscription.currency)
            if other
            else None
        )
        if not plan_change.has_path(subscription, plan):
            continue
        if plan.stripe_id != price.product_id and amount is not None and amount < current:
            found.append((plan, amount))
    return max(found, key=lambda entry: entry[1]) if found else None


def create(subscription: Subscription, feedback: Feedback, comment: str) -> Subscription:
    """The subscription, set to end with what is paid for, or ended where nothing is.

    What was to come is dropped first: a scheduled change, and a change that waits for the bank.
    """
    if subscription.is_ending:
        raise Refused("Your subscription is ending already. Nothing was changed.")
    acceptance.discard_pending(subscription)
    scheduled_change.undo(subscription)
    subscription_id = subscription.stripe_id
    at_once = ends_at_once(subscription)
    try:
        with outcome.told_by(lambda: not _goes_on(_pull(subscription))):
            if at_once:
                gateway.now(subscription_id, feedback=feedback, comment=comment)
            else:
                gateway.at_period_end(subscription_id, feedback=feedback, comment=comment)
    except (InvalidRequest, GoneFromStripe):
        found = _pull(subscription)
        if found.is_live:
            raise
        return found
    record(
        "subscription.cancelled",
        subscription_id,
        after={"feedback": feedback, "at_period_end": not at_once},
    )
    db.session.commit()
    return _pull(subscription)


def undo(subscription: Subscription, *, account_id: int | None = None) -> Subscription:
    """The subscription, to go on as if it had not been cancelled, or ended: then it is too late.

    `account_id` is for the audit log when staff do it, who belong to no account.
    """
    try:
        at_period_end = subscription.cancel_at_period_end
        with outcome.told_by(lambda: _goes_on(_pull(subscription))):
            gateway.undo(subscription.stripe_id, at_period_end=at_period_end)
    except (InvalidRequest, GoneFromStripe):
        found = _pull(subscription)
        if found.is_live:
            raise
        return found
    record("subscription.kept", subscription.stripe_id, account_id=account_id)
    db.session.commit()
    return _pull(subscription)


def _goes_on(subscription: Subscription) -> bool:
    return subscription.is_live and not subscription.is_ending


def _pull(subscription: Subscription) -> Subscription:
    if subscription.latest_invoice_id is not None:
        sync.pull("invoice", subscription.latest_invoice_id)
    fresh: Subscription = sync.pull("subscription", subscription.stripe_id)
    return fresh

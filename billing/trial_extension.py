"""Time for free, given by staff: a longer trial, or a free period after the one that is paid."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from billing import scheduled_change, staff_actions, sync
from billing.clock import from_unix, now
from billing.gateway import trial_extension as gateway
from billing.plan_change import is_between_periods
from billing.staff_actions import Kind, State
from models import StaffAction, Subscription, db

# Stripe's docs, "Update a subscription": a trial ends at most two years after it was set.
LONGEST = timedelta(days=730)


def obstacle(subscription: Subscription | None) -> str | None:
    """Why no time can be given, as a sentence; None when it can."""
    if subscription is None or not subscription.is_live:
        return "There is no running subscription that time could be given on."
    if subscription.status == "paused" or subscription.pause_collection:
        return "The subscription is paused. It can be given time once it runs again."
    if subscription.status not in {"active", "trialing"}:
        return "A payment is outstanding. Time can be given once it is paid."
    if subscription.data.get("pending_update"):
        return "A change of the subscription waits for the customer's bank."
    if subscription.is_ending:
        return "The subscription is ending. Undo the cancellation first."
    if scheduled_change.stands_in_the_way(subscription):
        return (
            "A change of plan or seats is scheduled, and free time would move its day. "
            "Drop it first, under “Change plan or seats”."
        )
    if is_between_periods(subscription):
        return "A new period begins right now. Look again in a few minutes."
    return None


def free_from(subscription: Subscription) -> datetime:
    """From when on the time is given: what is on trial or paid for already comes first."""
    first = subscription.trial_end if subscription.is_trialing else subscription.current_period_end
    assert first is not None
    return first


def free_until(subscription: Subscription, day: date) -> datetime:
    """The moment on that day at which it is charged next: the time of day stays."""
    return datetime.combine(day, free_from(subscription).timetz()).astimezone(UTC)


def last_day() -> date:
    return (now() + LONGEST).date()


def state(subscription_id: str) -> State:
    subscription = db.session.get_one(Subscription, subscription_id)
    return {
        "obstacle": obstacle(subscription),
        "status": subscription.status,
        "charged_next": int(free_from(subscription).timestamp()),
    }


def _do(action: StaffAction, key: str) -> State:
    until = from_unix(action.params["until"])
    assert until is not None
    scheduled_change.make_way(action.subject)
    gateway.until(action.subject, trial_end=until, idempotency_key=key)
    return {"trial_end": action.params["until"]}


def _find(action: StaffAction) -> State | None:
    found: Subscription = sync.pull("subscription", action.subject)
    made = found.is_trialing and found.trial_end == from_unix(action.params["until"])
    return {"trial_end": action.params["until"]} if made else None


def _refresh(action: StaffAction) -> None:
    found: Subscription = sync.pull("subscription", action.subject)
    if found.latest_invoice_id is not None:
        sync.pull("invoice", found.latest_invoice_id)


EXTENSION = staff_actions.register(
    Kind(
        name="trial",
        audit="trial.extended",
        refresh=_refresh,
        state=state,
        do=_do,
        find=_find,
    )
)

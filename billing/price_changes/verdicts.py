"""What becomes of one subscription in a price change: when it moves, or why it does not.

From the mirror alone. The same rules rehearse a change, carry it out and look after it later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from billing import renewals
from billing.billing_calendar import period_at
from billing.clock import from_unix
from billing.price_changes import phases
from billing.price_changes.choice import DATE, KEEP, Who, earliest
from billing.price_changes.phases import Prices
from billing.pricing import Cadence
from models import (
    Price,
    PriceChange,
    PriceMove,
    Subscription,
    SubscriptionItem,
    SubscriptionSchedule,
    db,
)

MOVE, WAIT, SKIP, DONE = "move", "wait", "skip", "done"
# A notice is given by the day: what is late by less is in time.
ODD_HOURS = timedelta(days=1)
# Once these are over, the subscription moves after all.
MAY_PASS = frozenset({"ends_before", "other_plan", "unpaid", "incomplete"})


@dataclass(frozen=True)
class Verdict:
    """`outcome` is move (at `at`), wait, skip or done; `reason` is a word of `wording`.

    `detail` is the plan or the day the reason names: a name, or an ISO date.
    """

    outcome: str
    at: datetime | None = None
    reason: str | None = None
    detail: str | None = None


def item_on(subscription: Subscription, price_id: str | None) -> SubscriptionItem | None:
    """The item with that price, or None."""
    return next((one for one in subscription.items if one.price_id == price_id), None)


def of(
    change: PriceChange,
    subscription: Subscription,
    now: datetime,
    *,
    move: PriceMove | None = None,
    schedule: SubscriptionSchedule | None = None,
) -> Verdict:
    """The verdict at `now`. `move` is the row once there is one, whose choice was made then.

    `schedule` is a schedule of the subscription that the subscription's row does not name yet.
    """
    if change.rule == KEEP:
        return Verdict(SKIP, reason="kept")
    if move is None and not _is_chosen(change, subscription):
        return Verdict(SKIP, reason="not_chosen")
    if not subscription.is_live:
        return Verdict(SKIP, reason="ended")
    item = item_on(subscription, change.price_id)
    if item is None:
        if change.new_price_id and item_on(subscription, change.new_price_id):
            return Verdict(DONE)
        plan = subscription.plan
        return Verdict(SKIP, reason="changed_plan", detail=plan.name if plan else None)
    if subscription.currency not in change.new_amounts:
        return Verdict(SKIP, reason="currency", detail=subscription.currency.upper())
    if subscription.status in {"unpaid", "incomplete"}:
        return Verdict(SKIP, reason=subscription.status)
    if subscription.status == "paused":
        return Verdict(WAIT, reason="paused")
    if subscription.status not in renewals.RENEWING:
        return Verdict(WAIT, reason="unknown_status", detail=subscription.status)
    at = _moves_at(change, subscription, item, now, move)
    if at is None:
        return Verdict(WAIT, reason="no_period")
    return _unless_it_leaves(change, subscription, at, schedule or subscription.schedule)


def _is_chosen(change: PriceChange, subscription: Subscription) -> bool:
    who = Who.of(change)
    account = subscription.customer.account if subscription.customer else None
    return who.is_everybody or who.admits(subscription, account)


def _unless_it_leaves(
    change: PriceChange,
    subscription: Subscription,
    at: datetime,
    schedule: SubscriptionSchedule | None,
) -> Verdict:
    """The move at `at`, unless the subscription ends or goes to another plan by itself."""
    ends = renewals.ends_on(subscription)
    if ends is not None and ends <= at:
        return Verdict(SKIP, reason="ends_before", detail=f"{ends:%Y-%m-%d}")
    if schedule is not None and schedule.is_live and schedule.phases:
        data = {"phases": schedule.phases, "current_phase": schedule.data.get("current_phase")}
        prices = Prices(change.price_id, change.new_price_id or "")
        leaves = phases.leaves_at(data, prices)
        if leaves is not None:
            return Verdict(SKIP, reason="other_plan", detail=_where(schedule, leaves))
        last = from_unix(schedule.phases[-1].get("end_date"))
        if schedule.end_behavior == "cancel" and last is not None and last <= at:
            return Verdict(SKIP, reason="ends_before", detail=f"{last:%Y-%m-%d}")
    return Verdict(MOVE, at=at)


def _where(schedule: SubscriptionSchedule, leaves: int) -> str:
    """The plan that the schedule goes to at that second, with the day: "Business|2027-01-01"."""
    phase = next(one for one in schedule.phases if one["start_date"] == leaves)
    for item in phase["items"]:
        price = db.session.get(Price, phases.id_of(item["price"]))
        if price is not None and price.product is not None:
            return f"{price.product.name}|{datetime.fromtimestamp(leaves, UTC):%Y-%m-%d}"
    return f"another plan|{datetime.fromtimestamp(leaves, UTC):%Y-%m-%d}"


def _moves_at(
    change: PriceChange,
    subscription: Subscription,
    item: SubscriptionItem,
    now: datetime,
    move: PriceMove | None,
) -> datetime | None:
    """When the new price begins: on the date chosen, else at a renewal of the item.

    Nobody moves before they had their notice. Who was written to already keeps the day they were
    told, or, when it is no renewal any more, gets the next one.
    """
    told = move.noticed_for if move is not None else None
    notice = timedelta(days=change.notice_days)
    floor = earliest(change, now)
    if told is not None:
        floor = max(floor, told)
    elif change.confirmed_at is not None:
        # Set down late, as after a pause: the notice counts from now, but for the odd hour.
        floor = max(floor, now + notice - ODD_HOURS)
    scheduled_at = move.moves_at if move is not None and move.status == "scheduled" else None
    if change.rule == DATE and change.starts_at is not None and change.starts_at > now:
        is_on_it = scheduled_at == change.starts_at
        in_time = told is not None or change.starts_at >= now + notice - ODD_HOURS
        # One that is set down for another day had missed this one.
        if is_on_it or (in_time and scheduled_at is None):
            return change.starts_at
    if scheduled_at is not None:
        # Set down already; it is another day only if that one is no renewal any more.
        floor = min(floor, scheduled_at)
    return next_renewal(subscription, item, max(floor, now))


def next_renewal(
    subscription: Subscription, item: SubscriptionItem, since: datetime
) -> datetime | None:
    """The item's first renewal at or after `since`; None when the mirror knows no period."""
    trial = subscription.trial_end if subscription.is_trialing else None
    on = trial or item.current_period_end
    if on is None or item.price is None:
        return None
    data = subscription.data
    anchor = trial or from_unix(data.get("billing_cycle_anchor")) or on
    day = (data.get("billing_cycle_anchor_config") or {}).get("day_of_month")
    cadence = Cadence.of(item.price)
    while on < since:
        _, on = period_at(anchor, cadence, on, day)
    return on

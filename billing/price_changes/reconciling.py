"""Moves and what subscribers do by themselves meanwhile: told by every write of the mirror.

A seat more, a cancellation, another plan, a pause: each takes the schedule away that a move was
in, or changes what it is about. The subscriber's own change stands; the move is set down anew
by the next run, waits, or is skipped with its reason. It is never made twice, because what is set
down is read from Stripe first.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update

from billing import sync
from billing.billing_calendar import boundary
from billing.clock import now
from billing.price_changes import phases, verdicts
from billing.price_changes.phases import Prices
from billing.price_changes.verdicts import DONE, MAY_PASS, MOVE, SKIP, Verdict
from billing.pricing import Cadence
from billing.sync import Written
from models import (
    RUNNING_PRICE_CHANGES,
    PriceChange,
    PriceMove,
    Subscription,
    SubscriptionSchedule,
    db,
)

# Whatever stands at Stripe, a subscription like this does not move.
FOR_GOOD = frozenset({"ended", "changed_plan", "other_plan", "ends_before"})


@sync.observer
def look(written: Written) -> None:
    """Brings the moves of a subscription up to date with what was just written of it."""
    subscription = _subscription(written)
    if subscription is None:
        return
    found = db.session.execute(
        select(PriceMove, PriceChange)
        .join(PriceChange, PriceChange.id == PriceMove.change_id)
        .where(
            PriceMove.subscription_id == subscription.stripe_id,
            PriceMove.status.in_(("pending", "scheduled", "skipped")),
            PriceChange.status.in_((*RUNNING_PRICE_CHANGES, "stopped")),
        )
    ).all()
    for move, change in found:
        _bring_up_to_date(move, change, subscription)


def _subscription(written: Written) -> Subscription | None:
    if written.kind == "subscription":
        row: Subscription = written.row
        return row
    if written.kind != "subscription_schedule":
        return None
    schedule: SubscriptionSchedule = written.row
    named = (
        schedule.subscription_id
        or written.before.get("subscription_id")
        or schedule.data.get("released_subscription")
    )
    return db.session.get(Subscription, named) if named else None


def _bring_up_to_date(move: PriceMove, change: PriceChange, subscription: Subscription) -> None:
    if move.status == "pending" and move.reason is None:
        # Its turn comes, or is just now.
        return
    verdict = verdicts.of(change, subscription, now(), move=move)
    if move.status == "skipped":
        if change.is_running and move.reason in MAY_PASS and verdict.outcome != SKIP:
            _again(move, "skipped")
        return
    if verdict.outcome == DONE:
        _set(move, status="done", reason=None, settled_at=now(), next_attempt_at=None)
    elif verdict.outcome == SKIP and verdict.reason in FOR_GOOD:
        _skip(move, verdict.reason, verdict.detail)
    elif move.status == "pending":
        # It waited for something.
        if verdict.outcome == MOVE:
            _again(move, "pending")
    elif not _is_set_down(move, change, subscription, verdict):
        if change.status == "stopped":
            _skip(move, "stopped", None)
        elif verdict.outcome == SKIP:
            _skip(move, verdict.reason, verdict.detail)
        else:
            _again(move, "scheduled")


def _is_set_down(
    move: PriceMove, change: PriceChange, subscription: Subscription, verdict: Verdict
) -> bool:
    """Whether the schedule that the mirror knows of makes the move, on its day, as it should."""
    schedule = subscription.schedule
    item = verdicts.item_on(subscription, change.price_id)
    if schedule is None or not schedule.is_live or move.moves_at is None:
        return False
    if item is None or item.price is None:
        return False
    data = {"phases": schedule.phases, "current_phase": schedule.data.get("current_phase")}
    prices = Prices(change.price_id, change.new_price_id or "")
    if phases.leaves_at(data, prices) is not None:
        return False
    present = phases.as_they_are(data, prices)[0]
    has_come = move.moves_at <= now()
    if not has_come and (present.quantity or 1) != (item.quantity or 1):
        return False
    wanted = phases.with_move(
        data,
        prices,
        move.quantity,
        at=int(move.moves_at.timestamp()),
        until=int(boundary(move.moves_at, Cadence.of(item.price), 1).timestamp()),
    )
    on_its_day = has_come or verdict.outcome != MOVE or verdict.at == move.moves_at
    return on_its_day and phases.are(data, prices, wanted)


def _again(move: PriceMove, was: str) -> None:
    """To be set down by the next run, under keys of its own."""
    _set(
        move,
        was=was,
        status="pending",
        reason=None,
        reason_detail=None,
        round=PriceMove.round + 1,
        next_attempt_at=now(),
        settled_at=None,
        failures=0,
    )


def _skip(move: PriceMove, reason: str | None, detail: str | None) -> None:
    _set(
        move,
        status="skipped",
        reason=reason,
        reason_detail=detail,
        settled_at=now(),
        next_attempt_at=None,
    )


def _set(move: PriceMove, was: str | None = None, **values: Any) -> None:
    db.session.execute(
        update(PriceMove)
        .where(PriceMove.id == move.id, PriceMove.status == (was or move.status))
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    db.session.expire(move)

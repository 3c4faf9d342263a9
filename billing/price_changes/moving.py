"""Moving subscribers to the new price: each set down at Stripe as a schedule, once.

A move is claimed, made and settled in transactions of their own, so that none is open while
Stripe answers. Whoever dies in between leaves it claimed for a while; the next run does it again
under the same keys, and finds what was done already. What a subscriber changes by themselves
comes first: then the move is looked at anew (`reconciling`) and set down again, or skipped.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError

from billing import sync
from billing.billing_calendar import boundary
from billing.clock import now
from billing.errors import (
    BillingError,
    GoneFromStripe,
    IdempotencyConflict,
    InvalidRequest,
    KeySpent,
    StripeBusy,
    StripeMisconfigured,
    StripeUnavailable,
)
from billing.gateway import price_move as gateway
from billing.gateway import scheduled_change as schedules
from billing.price_changes import finishing, launch, pacing, phases, rehearsal, verdicts
from billing.price_changes.phases import Prices
from billing.price_changes.verdicts import DONE, MOVE, SKIP, Verdict
from billing.pricing import Cadence
from models import (
    PriceChange,
    PriceMove,
    Subscription,
    SubscriptionSchedule,
    db,
)

log = logging.getLogger(__name__)

# One run ends; the next goes on where it stopped.
AT_ONCE = 200
LEASE = timedelta(minutes=2)
# 10 s, 20 s, 40 s ... at most an hour.
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=10), timedelta(hours=1)
FAILURES = 10
# A change of the subscription between two of our calls is looked at again so often at once.
LOOKS = 3
# How long after its day a move is asked after that nobody told us of, and how many at once.
SILENCE = timedelta(hours=2)
ASK_AT_ONCE = 20


@dataclass
class Moved:
    """What one run did, in numbers of subscribers."""

    scheduled: int = 0
    done: int = 0
    skipped: int = 0
    waiting: int = 0
    undone: int = 0
    postponed: int = 0
    failed: int = 0
    launched: int = 0

    def __str__(self) -> str:
        return (
            f"{self.scheduled} scheduled, {self.done} moved already, {self.skipped} skipped, "
            f"{self.waiting} waiting, {self.undone} undone, {self.postponed} to be tried again, "
            f"{self.failed} failed"
        )

    @property
    def total(self) -> int:
        return sum(vars(self).values())

    def __iadd__(self, other: Moved) -> Moved:
        for name, number in vars(other).items():
            setattr(self, name, getattr(self, name) + number)
        return self


class Elsewhere(StripeUnavailable):
    """The subscription is not what it was a moment ago."""


class DatabaseBusy(BillingError):
    """Our own database did not take a write; the same is asked for again."""

    title = "The database was busy"


# What one move alone is in trouble with: the next may be made.
ITS_OWN = (KeySpent, IdempotencyConflict, Elsewhere)


def run(at_most: int = AT_ONCE) -> Moved:
    """Does what is due: launches, moves and undoings, those that waited longest first."""
    did = Moved(launched=launch.launch_due())
    moment = now()
    ids = db.session.scalars(
        select(PriceMove.id)
        .join(PriceChange, PriceChange.id == PriceMove.change_id)
        .where(*_due(moment))
        .order_by(PriceMove.next_attempt_at, PriceMove.id)
        .limit(at_most)
    ).all()
    db.session.commit()
    for move_id in ids:
        pacing.wait_for_turn()
        move = _claim(move_id)
        if move is None:
            continue
        if not _do(move, did):
            break
    _ask_after_overdue()
    finishing.finish_all()
    return did


def _ask_after_overdue() -> None:
    """Pulls subscriptions whose day has passed without our hearing of it.

    A webhook may be lost. What the pull brings is told to the moves (`reconciling`).
    """
    found = db.session.scalars(
        select(PriceMove.subscription_id)
        .join(Subscription, Subscription.stripe_id == PriceMove.subscription_id)
        .where(
            PriceMove.status == "scheduled",
            PriceMove.moves_at < now() - SILENCE,
            Subscription.pulled_at < PriceMove.moves_at,
        )
        .limit(ASK_AT_ONCE)
    ).all()
    db.session.commit()
    for subscription_id in found:
        try:
            subscription: Subscription = sync.pull("subscription", subscription_id)
            if subscription.schedule_id is not None:
                sync.pull("subscription_schedule", subscription.schedule_id)
        except BillingError:
            db.session.rollback()
            break


def do_now(move_id: int) -> None:
    """Does one move that is due, for somebody who waits for it. Raises what Stripe said."""
    move = _claim(move_id)
    if move is not None:
        change_id = move.change_id
        _do(move, Moved(), tell=True)
        finishing.finish_if_over(change_id)


def _due(moment: datetime) -> tuple[Any, ...]:
    # Undoing goes on while a change is paused or stopped: it was asked for since.
    return (
        ((PriceMove.status == "pending") & (PriceChange.status == "moving"))
        | (PriceMove.status == "undoing"),
        PriceMove.next_attempt_at <= moment,
    )


def _claim(move_id: int) -> PriceMove | None:
    """The move, counted and kept from others for a while; None when somebody else has it."""
    move = db.session.get_one(PriceMove, move_id, populate_existing=True)
    moment, running = now(), select(PriceChange.id).where(PriceChange.status == "moving")
    claimed = db.session.execute(
        update(PriceMove)
        .where(
            PriceMove.id == move_id,
            PriceMove.attempts == move.attempts,
            PriceMove.next_attempt_at <= moment,
            (PriceMove.status == "undoing")
            | ((PriceMove.status == "pending") & PriceMove.change_id.in_(running)),
        )
        .values(attempts=PriceMove.attempts + 1, next_attempt_at=moment + LEASE, reason=None)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()
    if claimed.rowcount == 0:
        return None
    return db.session.get_one(PriceMove, move_id, populate_existing=True)


def _do(move: PriceMove, did: Moved, *, tell: bool = False) -> bool:
    """Does one move and settles it; False when no other can be done now."""
    move_id, attempts, status = move.id, move.attempts, move.status
    try:
        if status == "undoing":
            _take_back(move)
            did.undone += 1
        else:
            _set_down(move, did)
    except (StripeUnavailable, StripeBusy, StripeMisconfigured, *ITS_OWN) as error:
        db.session.rollback()
        _postpone(move_id, attempts, error)
        did.postponed += 1
        if tell:
            raise
        # Busy or silent: the others need not try now.
        return isinstance(error, ITS_OWN)
    except DBAPIError as error:
        # Two writers at once, or a connection lost: nothing that is this move's fault.
        db.session.rollback()
        log.warning("the database was not ready for price move %s: %r", move_id, error)
        _postpone(move_id, attempts, DatabaseBusy())
        did.postponed += 1
    except Exception as error:
        # Whatever is wrong with this one must not keep the others waiting.
        db.session.rollback()
        log.warning("price move %s failed (attempt %d): %r", move_id, attempts, error)
        said = error.message if isinstance(error, BillingError) else type(error).__name__
        _settle(move_id, attempts, "failed", last_error=said, next_attempt_at=None)
        did.failed += 1
        if tell and isinstance(error, BillingError):
            raise
    return True


def _postpone(move_id: int, attempts: int, error: BillingError) -> None:
    """To be tried again, later each time; given up for somebody to look at in the end."""
    move = db.session.get_one(PriceMove, move_id, populate_existing=True)
    failures = move.failures + 1
    if failures >= FAILURES and not isinstance(error, StripeBusy):
        _settle(move_id, attempts, "failed", last_error=error.title, next_attempt_at=None)
        return
    values: dict[str, Any] = {
        "next_attempt_at": now() + min(FIRST_WAIT * 2 ** (failures - 1), LONGEST_WAIT),
        "last_error": error.title,
        "failures": failures,
    }
    if isinstance(error, ITS_OWN):
        # Under another key: by then Stripe shows what was done under this one.
        values["round"] = move.round + 1
    db.session.execute(
        update(PriceMove)
        .where(PriceMove.id == move_id, PriceMove.attempts == attempts)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()


def _set_down(move: PriceMove, did: Moved) -> None:
    for look in range(LOOKS):
        try:
            _set_down_once(move, did)
            return
        except Elsewhere:
            db.session.rollback()
            if look + 1 == LOOKS:
                raise
            sync.pull("subscription", move.subscription_id)
            db.session.refresh(move)


def _set_down_once(move: PriceMove, did: Moved) -> None:
    subscription = db.session.get(Subscription, move.subscription_id, populate_existing=True)
    if subscription is None or subscription.deleted_at is not None:
        _settle(move.id, move.attempts, "skipped", reason="ended")
        did.skipped += 1
        return
    change, moment = move.change, now()
    verdict = verdicts.of(change, subscription, moment, move=move)
    if verdict.outcome != MOVE and not _is_fresh(subscription, moment):
        # What keeps it from moving may be over at Stripe.
        subscription = sync.pull("subscription", subscription.stripe_id)
        if subscription.schedule_id is not None:
            sync.pull("subscription_schedule", subscription.schedule_id)
        db.session.refresh(move)
        verdict = verdicts.of(change, subscription, moment, move=move)
    if verdict.outcome == MOVE:
        _schedule(move, subscription, verdict)
        did.scheduled += 1
        return
    _close(move, verdict)
    did.done += verdict.outcome == DONE
    did.skipped += verdict.outcome == SKIP
    did.waiting += verdict.outcome not in {DONE, SKIP}


def _is_fresh(subscription: Subscription, moment: datetime) -> bool:
    return moment - subscription.pulled_at < timedelta(seconds=5)


def _close(move: PriceMove, verdict: Verdict) -> None:
    """Settles a move that needs nothing at Stripe: done, skipped, or waiting to be told."""
    status = {DONE: "done", SKIP: "skipped"}.get(verdict.outcome, "pending")
    _settle(
        move.id,
        move.attempts,
        status,
        reason=verdict.reason,
        reason_detail=verdict.detail,
        # Somebody pauses for months: the end of it is told by the mirror, or seen the next day.
        next_attempt_at=now() + timedelta(days=1) if status == "pending" else None,
    )


def _schedule(move: PriceMove, subscription: Subscription, verdict: Verdict) -> None:
    """Puts the new price into the subscription's schedule from the verdict's moment on."""
    change = move.change
    item = verdicts.item_on(subscription, change.price_id)
    assert item is not None
    assert item.price is not None
    assert verdict.at is not None
    prices = Prices(change.price_id, change.new_price_id or "")
    key = f"{change.idempotency_key}-move-{move.id}-{move.round}"
    told = (move.quantity, move.moves_at)
    if move.moves_at != verdict.at:
        move.moves_at = verdict.at
        db.session.commit()
    try:
        held = subscription.schedule_id
        schedule = (
            schedules.retrieve(held)
            if held is not None
            else schedules.attach(subscription.stripe_id, idempotency_key=f"{key}-schedule")
        )
        data = schedule.to_dict(for_json=True)
        if data["status"] not in {"active", "not_started"}:
            raise Elsewhere
        if phases.leaves_at(data, prices) is not None:
            if held is None:
                # The mirror was behind: this subscription has another plan already.
                gateway.release(schedule.id, idempotency_key=f"{key}-release")
            sync.pull("subscription_schedule", schedule.id)
            raise Elsewhere
        present = phases.as_they_are(data, prices)[0]
        if present.price != prices.old:
            raise Elsewhere
        wanted = phases.with_move(
            data,
            prices,
            _known_quantity(move, data, prices),
            at=int(verdict.at.timestamp()),
            until=int(boundary(verdict.at, Cadence.of(item.price), 1).timestamp()),
        )
        _rewrite(schedule, wanted, prices, data, move=str(move.id), key=f"{key}-phases")
    except (InvalidRequest, GoneFromStripe) as error:
        db.session.rollback()
        _after_refusal(move, subscription, error)
        raise Elsewhere from error
    sync.pull("subscription_schedule", schedule.id)
    fresh: Subscription = sync.pull("subscription", subscription.stripe_id)
    row = db.session.get(SubscriptionSchedule, schedule.id)
    db.session.refresh(move)
    held_now = verdicts.item_on(fresh, change.price_id)
    if (
        row is None
        or not row.is_live
        or held_now is None
        or (held_now.quantity or 1) != (present.quantity or 1)
    ):
        raise Elsewhere
    _settle(
        move.id,
        move.attempts,
        "scheduled",
        reason=None,
        reason_detail=None,
        moves_at=verdict.at,
        quantity=present.quantity,
        schedule_id=schedule.id,
        scheduled_at=now(),
        failures=0,
        last_error=None,
        next_attempt_at=None,
        **({} if told == (present.quantity, verdict.at) else _amounts(move, fresh)),
    )


def _known_quantity(move: PriceMove, data: dict[str, Any], prices: Prices) -> int | None:
    """The quantity that later phases have only because it was the present one when they were
    made: by us, so none where the schedule has not our price in it."""
    stretches = phases.as_they_are(data, prices)
    is_in_it = any(one.price == prices.new for one in stretches)
    return move.quantity if is_in_it else stretches[0].quantity


def _rewrite(
    schedule: Any,
    wanted: list[phases.Stretch],
    prices: Prices,
    data: dict[str, Any],
    *,
    move: str,
    key: str,
) -> None:
    """Gives the schedule these phases, unless it has them. The key names them too, so that one
    key never stands for two requests."""
    if phases.are(data, prices, wanted):
        return
    named = hashlib.sha256(repr(wanted).encode()).hexdigest()[:16]
    gateway.rewrite(
        schedule,
        wanted,
        (prices.old, prices.new),
        move=move,
        idempotency_key=f"{key}-{named}",
    )


def _amounts(move: PriceMove, subscription: Subscription) -> dict[str, int | None]:
    """Before and after as they are now: seats may have changed since the rehearsal."""
    price, new = move.change.price, move.change.new_price
    if price is None or new is None or move.moves_at is None:
        return {}
    before, after = rehearsal.before_and_after(move.change, subscription, price, new, move.moves_at)
    return {"amount_before": before, "amount_after": after}


def _after_refusal(move: PriceMove, subscription: Subscription, error: BillingError) -> None:
    """Looks at what Stripe refused: a subscription that moved on is looked at anew; else raises.

    A refusal is kept under its key as well, so that what is asked next has another.
    """
    before = (subscription.version, subscription.status, subscription.schedule_id)
    quantity = subscription.quantity
    fresh: Subscription = sync.pull("subscription", subscription.stripe_id)
    if fresh.schedule_id is not None:
        sync.pull("subscription_schedule", fresh.schedule_id)
    db.session.refresh(move)
    move.round += 1
    db.session.commit()
    verdict = verdicts.of(move.change, fresh, now(), move=move)
    same = (fresh.status, fresh.schedule_id, fresh.quantity) == (*before[1:], quantity)
    if same and verdict.outcome == MOVE and verdict.at == move.moves_at:
        raise error


def _take_back(move: PriceMove) -> None:
    """Takes the new price out of the schedule again; what else is scheduled there stays."""
    change = move.change
    fresh: Subscription = sync.pull("subscription", move.subscription_id)
    db.session.refresh(move)
    if verdicts.item_on(fresh, change.new_price_id) is not None:
        # Renewed in the meantime: it is too late.
        _settle(move.id, move.attempts, "done", reason="too_late", next_attempt_at=None)
        return
    if fresh.schedule_id is not None and fresh.is_live:
        _restore(move, fresh.schedule_id)
        sync.pull("subscription_schedule", fresh.schedule_id)
        sync.pull("subscription", fresh.stripe_id)
        db.session.refresh(move)
    _settle(move.id, move.attempts, "undone", reason=None, next_attempt_at=None)


def _restore(move: PriceMove, schedule_id: str) -> None:
    prices = Prices(move.change.price_id, move.change.new_price_id or "")
    key = f"{move.change.idempotency_key}-undo-{move.id}-{move.round}"
    try:
        schedule = schedules.retrieve(schedule_id)
        data = schedule.to_dict(for_json=True)
        if data["status"] not in {"active", "not_started"}:
            return
        if phases.leaves_at(data, prices) is not None:
            # Another plan is to come: whatever this schedule does, it is not our move.
            return
        plain = phases.without_move(data, prices, move.quantity)
        if len(plain) == 1 and data["end_behavior"] == "release":
            gateway.release(schedule_id, idempotency_key=f"{key}-release")
        else:
            _rewrite(schedule, plain, prices, data, move="", key=f"{key}-phases")
    except (InvalidRequest, GoneFromStripe):
        # Released, completed or gone in the meantime: what Stripe has now is not ours any more.
        found = sync.pull("subscription_schedule", schedule_id)
        if found.is_live:
            raise


def _settle(move_id: int, attempts: int, status: str, **values: Any) -> None:
    """Writes how a move ended, if this claim still has it: a later one has counted further."""
    if status in {"done", "skipped", "undone"}:
        values["settled_at"] = now()
    settled = db.session.execute(
        update(PriceMove)
        .where(
            PriceMove.id == move_id,
            PriceMove.attempts == attempts,
            PriceMove.status.in_(("pending", "undoing")),
        )
        .values(status=status, **values)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()
    if not settled.rowcount:
        log.info("price move %s was settled by somebody else", move_id)


def progress(change_id: int) -> dict[str, int]:
    """How many moves of the change there are of each status."""
    found = db.session.execute(
        select(PriceMove.status, func.count())
        .where(PriceMove.change_id == change_id)
        .group_by(PriceMove.status)
    ).all()
    return dict(found)

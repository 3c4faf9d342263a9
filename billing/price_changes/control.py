"""What staff do with a price change under way: pause, go on, stop, try again, undo. All audited."""

from __future__ import annotations

from typing import Any

from sqlalchemy import case, func, select, update

from billing.audit import record
from billing.clock import now
from billing.price_changes import finishing, moving
from billing.price_changes.draft import subject
from models import PriceChange, PriceMove, db

UNDOABLE = ("pending", "scheduled", "failed")


def pause(change: PriceChange) -> bool:
    """Nothing more is set down until it goes on; what is scheduled stays. False: it did not run."""
    return _turn(change, ("moving",), "paused", "price_change.paused")


def go_on(change: PriceChange) -> bool:
    """Sets down what is left."""
    return _turn(change, ("paused",), "moving", "price_change.resumed")


def stop(change: PriceChange) -> bool:
    """Nothing more is set down, ever; what is scheduled stays, and can be undone."""
    before = moving.progress(change.id)
    moment = now()
    unfinished = PriceMove.status.in_(("pending", "failed"))
    # Of what was begun nobody knows here how far it came at Stripe, so it is taken back there.
    _ask([PriceMove.change_id == change.id, unfinished, PriceMove.attempts > 0])
    db.session.execute(
        update(PriceMove)
        .where(PriceMove.change_id == change.id, unfinished)
        # Who is about to begin with one of them finds it settled.
        .values(
            status="skipped",
            reason="stopped",
            attempts=PriceMove.attempts + 1,
            settled_at=moment,
            next_attempt_at=None,
        )
        .execution_options(synchronize_session=False)
    )
    stopped = _turn(
        change, ("moving", "paused"), "stopped", "price_change.stopped", before, finished_at=moment
    )
    if not stopped:
        db.session.rollback()
    return stopped


def retry_failed(change: PriceChange) -> int:
    """Makes every move that failed due again; how many."""
    again = db.session.execute(
        update(PriceMove)
        .where(PriceMove.change_id == change.id, PriceMove.status == "failed")
        .values(
            status="pending",
            failures=0,
            round=PriceMove.round + 1,
            next_attempt_at=now(),
            last_error=None,
        )
    )
    if again.rowcount:
        record("price_change.retried", subject(change), after={"moves": again.rowcount})
    db.session.commit()
    return int(again.rowcount)


def undo(move: PriceMove) -> bool:
    """Asks for one move to be taken back, and does it now if it can; False when it is too late.

    Raises what Stripe says; it is then taken back by the next run all the same.
    """
    change, before = move.change, {"status": move.status, "moves_at": _iso(move)}
    asked = _ask([PriceMove.id == move.id])
    if asked:
        record(
            "price_move.undone",
            move.subscription_id,
            before=before,
            after={"price_change": change.id},
            account_id=move.account_id,
        )
    db.session.commit()
    if asked:
        moving.do_now(move.id)
    return bool(asked)


def undo_all(change: PriceChange) -> int:
    """Asks for every move that has not renewed to be taken back, and ends the change; how many.

    The runner takes them back one by one.
    """
    asked = _ask([PriceMove.change_id == change.id])
    ended = db.session.execute(
        update(PriceChange)
        .where(PriceChange.id == change.id, PriceChange.status.in_(("moving", "paused")))
        .values(status="stopped", finished_at=now())
    )
    if asked or ended.rowcount:
        record("price_change.undone", subject(change), after={"moves": asked})
    db.session.commit()
    return asked


def count_undoable(change: PriceChange) -> int:
    """How many moves could still be taken back."""
    return int(
        db.session.scalar(
            select(func.count())
            .select_from(PriceMove)
            .where(PriceMove.change_id == change.id, PriceMove.status.in_(UNDOABLE))
        )
        or 0
    )


def _ask(which: list[Any]) -> int:
    """Marks moves to be taken back, and counts them.

    Somebody may be setting one down just now: it is taken back when their claim has run out.
    """
    moment = now()
    claimed = (PriceMove.status == "pending") & (PriceMove.next_attempt_at > moment)
    latest = moment + moving.LEASE
    asked = db.session.execute(
        update(PriceMove)
        .where(*which, PriceMove.status.in_(UNDOABLE))
        .values(
            status="undoing",
            attempts=PriceMove.attempts + 1,
            round=PriceMove.round + 1,
            failures=0,
            reason=None,
            next_attempt_at=case((claimed, latest), else_=moment),
        )
        .execution_options(synchronize_session=False)
    )
    return int(asked.rowcount)


def _turn(
    change: PriceChange,
    when: tuple[str, ...],
    status: str,
    action: str,
    before: dict[str, int] | None = None,
    **values: object,
) -> bool:
    turned = db.session.execute(
        update(PriceChange)
        .where(PriceChange.id == change.id, PriceChange.status.in_(when))
        .values(status=status, **values)
        .execution_options(synchronize_session=False)
    )
    if not turned.rowcount:
        db.session.rollback()
        return False
    record(action, subject(change), before=before or moving.progress(change.id))
    db.session.commit()
    db.session.refresh(change)
    if status == "moving":
        finishing.finish_if_over(change.id)
    return True


def _iso(move: PriceMove) -> str | None:
    return f"{move.moves_at:%Y-%m-%d}" if move.moves_at else None

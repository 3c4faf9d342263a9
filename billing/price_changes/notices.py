"""Telling subscribers of their new price: so many days before it begins, once for each day."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import or_, select

from billing import outbox
from billing.clock import now
from models import RUNNING_PRICE_CHANGES, PriceChange, PriceMove, db

AT_ONCE = 500


def find() -> int:
    """Puts the notices that are due into the outbox; how many; commits.

    Only what is set down at Stripe is announced: so it is true when it is read.
    """
    moment, put = now(), 0
    changes = db.session.scalars(
        select(PriceChange).where(PriceChange.status.in_((*RUNNING_PRICE_CHANGES, "stopped")))
    ).all()
    for change in changes:
        due = db.session.scalars(
            select(PriceMove)
            .where(
                PriceMove.change_id == change.id,
                PriceMove.status == "scheduled",
                PriceMove.account_id.is_not(None),
                PriceMove.moves_at > moment,
                PriceMove.moves_at <= moment + timedelta(days=change.notice_days),
                # Another day than the one they were told is told again.
                or_(PriceMove.noticed_for.is_(None), PriceMove.noticed_for != PriceMove.moves_at),
            )
            .order_by(PriceMove.moves_at)
            .limit(AT_ONCE)
        ).all()
        put += sum(_announce(move, change) for move in due)
    db.session.commit()
    return put


def _announce(move: PriceMove, change: PriceChange) -> bool:
    """Puts the notice of one move into the outbox; False where nobody pays another amount."""
    old, new = (of.get(move.currency) for of in (change.old_amounts, change.new_amounts))
    on = move.moves_at
    assert on is not None
    move.noticed_at, move.noticed_for = now(), on
    if old == new:
        return False
    return outbox.put(
        "price_change",
        f"price_change:{change.id}:{move.subscription_id}:{on:%Y%m%d}",
        account_id=move.account_id,
        move_id=move.id,
        on=int(on.timestamp()),
    )

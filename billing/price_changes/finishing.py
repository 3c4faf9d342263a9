"""When a price change is over: nobody is left who could still move."""

from __future__ import annotations

from sqlalchemy import select, update

from billing.clock import now
from models import PriceChange, PriceMove, db

OPEN = ("pending", "scheduled", "undoing", "failed")


def finish_all() -> None:
    """Marks every moving change as done that has no open move; commits."""
    moving = db.session.scalars(select(PriceChange.id).where(PriceChange.status == "moving"))
    for change_id in moving.all():
        finish_if_over(change_id)
    db.session.commit()


def finish_if_over(change_id: int) -> bool:
    """Marks a moving change as done once no move is open; commits. Whether it is done now."""
    left = db.session.scalar(
        select(PriceMove.id)
        .where(PriceMove.change_id == change_id, PriceMove.status.in_(OPEN))
        .limit(1)
    )
    if left is not None:
        return False
    ended = db.session.execute(
        update(PriceChange)
        .where(PriceChange.id == change_id, PriceChange.status == "moving")
        .values(status="done", finished_at=now())
    )
    db.session.commit()
    return bool(ended.rowcount)

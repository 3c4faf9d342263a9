"""The new price that is coming for a subscription, as its own people should see it.

A move is the operator's doing, not the subscriber's: their pages tell of it, and offer no way to
undo it as if it were a change of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from billing.pricing import Cadence
from models import Price, PriceChange, PriceMove, Subscription, db

# A move may be in a schedule before its row says so.
SET_DOWN = ("pending", "scheduled", "undoing", "done")


@dataclass(frozen=True)
class ComingPrice:
    """The price of one, before and after; minor units of `currency`."""

    on: datetime
    price: Price
    currency: str
    old: int
    new: int
    per_seat: bool

    @property
    def cadence(self) -> Cadence:
        return Cadence.of(self.price)

    @property
    def is_rise(self) -> bool:
        return self.new > self.old


def of(subscription: Subscription | None, now: datetime) -> ComingPrice | None:
    """The price that a live subscription is scheduled to change to; None when none is."""
    if subscription is None or not subscription.is_live:
        return None
    found = db.session.execute(
        select(PriceMove, PriceChange)
        .join(PriceChange, PriceChange.id == PriceMove.change_id)
        .where(
            PriceMove.subscription_id == subscription.stripe_id,
            PriceMove.status == "scheduled",
            PriceMove.moves_at > now,
        )
        .order_by(PriceMove.moves_at)
        .limit(1)
    ).first()
    return _told(subscription, *found) if found else None


def _told(subscription: Subscription, move: PriceMove, change: PriceChange) -> ComingPrice | None:
    code = subscription.currency
    old, new, price = change.old_amounts.get(code), change.new_amounts.get(code), change.new_price
    if price is None or move.moves_at is None or old is None or new is None or old == new:
        return None
    plan = change.product
    return ComingPrice(move.moves_at, price, code, old, new, bool(plan and plan.is_per_seat))


def is_move(subscription_id: str | None, old: str | None, new: str) -> bool:
    """Whether going from one price to the other is a move of that subscription, not a change."""
    if old is None or subscription_id is None or old == new:
        return False
    return (
        db.session.scalar(
            select(PriceMove.id)
            .join(PriceChange, PriceChange.id == PriceMove.change_id)
            .where(
                PriceMove.subscription_id == subscription_id,
                PriceChange.price_id == old,
                PriceChange.new_price_id == new,
                PriceMove.status.in_(SET_DOWN),
            )
            .limit(1)
        )
        is not None
    )


def price_at(subscription: Subscription, price_id: str, on: datetime) -> str:
    """The id of the price that `price_id` will have become by `on`, where a move is set down.

    Whoever changes their seats for a later day does so at the price of that day.
    """
    moved_to = db.session.scalar(
        select(PriceChange.new_price_id)
        .join(PriceMove, PriceMove.change_id == PriceChange.id)
        .where(
            PriceMove.subscription_id == subscription.stripe_id,
            PriceMove.status == "scheduled",
            PriceMove.moves_at <= on,
            PriceChange.price_id == price_id,
        )
        .limit(1)
    )
    return moved_to or price_id

"""A price change before it is confirmed: begun, and who moves when. Nothing has happened."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime

from flask import current_app
from sqlalchemy import or_, select

from billing.audit import record
from billing.clock import now
from billing.errors import Refused
from billing.price_changes import amounts
from billing.price_changes.choice import Who
from models import RUNNING_PRICE_CHANGES, Price, PriceChange, db


class AlreadyRunning(Refused):
    """Another change of the same price is under way."""

    title = "This price is being changed already"
    message = (
        "Another change of it is under way. Nothing was changed. "
        "Let that one finish, or stop it, before you begin another."
    )


def begin(price: Price, new: Mapping[str, int], *, user_id: int) -> PriceChange:
    """A new draft for the price with the new amounts, minor units by currency; commits.

    Of an archived price the amounts are those of its successor, to which it moves people.
    """
    running = running_for(price.stripe_id)
    if running is not None:
        raise AlreadyRunning
    target = amounts.successor(price)
    change = PriceChange(
        product_id=price.product_id,
        price_id=price.stripe_id,
        old_amounts=amounts.amounts_of(price),
        new_amounts=amounts.amounts_of(target) if target else dict(new),
        makes_price=target is None,
        new_price_id=target.stripe_id if target else None,
        notice_days=current_app.config["SETTINGS"].price_notice_days,
        created_by_id=user_id,
        created_at=now(),
        idempotency_key=f"price-change-{secrets.token_urlsafe(18)}",
    )
    db.session.add(change)
    db.session.flush()
    record(
        "price_change.drafted",
        subject(change),
        before={"price": price.stripe_id, "amounts": change.old_amounts},
        after={"price": change.new_price_id, "amounts": change.new_amounts},
    )
    db.session.commit()
    return change


def choose(
    change: PriceChange, *, rule: str, starts_at: datetime | None, notice_days: int, who: Who
) -> None:
    """Sets who moves and when; commits."""
    change.rule, change.starts_at, change.notice_days = rule, starts_at, notice_days
    change.who = who.as_json()
    db.session.commit()


def discard(change: PriceChange) -> None:
    """Throws a draft away; commits."""
    record("price_change.discarded", subject(change), before={"amounts": change.new_amounts})
    db.session.delete(change)
    db.session.commit()


def running_for(price_id: str) -> PriceChange | None:
    """The change under way from this price, or one that is only just making it."""
    return db.session.scalar(
        select(PriceChange).where(
            PriceChange.status.in_(RUNNING_PRICE_CHANGES),
            or_(
                PriceChange.price_id == price_id,
                (PriceChange.new_price_id == price_id) & (PriceChange.status == "launching"),
            ),
        )
    )


def subject(change: PriceChange) -> str:
    """What the audit log calls it."""
    return f"price_change:{change.id}"

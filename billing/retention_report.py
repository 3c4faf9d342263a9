"""Which offers keep people: for each reason and offer how often it was shown and taken."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select

from models import CancellationOffer, Subscription, db

LASTING = timedelta(days=90)


@dataclass
class Line:
    """One reason with one offer. `stakes` is minor units a period by currency and interval.

    Of those accepted at least 90 days ago (`old_enough`), `kept` were still subscribed then.
    """

    reason: str
    offer: str
    shown: int = 0
    accepted: int = 0
    old_enough: int = 0
    kept: int = 0
    stakes: Counter[tuple[str, str]] = field(default_factory=Counter)


def lines(now: datetime) -> list[Line]:
    """The report, by reason and offer."""
    found: dict[tuple[str, str], Line] = {}
    rows = db.session.execute(
        select(CancellationOffer, Subscription).outerjoin(
            Subscription, Subscription.stripe_id == CancellationOffer.subscription_id
        )
    ).all()
    for offer, subscription in rows:
        key = (offer.reason, offer.offer)
        line = found.setdefault(key, Line(*key))
        line.shown += 1
        if offer.amount is not None:
            line.stakes[offer.currency, offer.interval] += offer.amount
        if offer.answer != "accepted" or offer.outcome == "refused":
            continue
        line.accepted += 1
        day = offer.answered_at + LASTING
        if day <= now:
            line.old_enough += 1
            line.kept += _was_subscribed(subscription, day)
    return [found[key] for key in sorted(found)]


def _was_subscribed(subscription: Subscription | None, day: datetime) -> bool:
    if subscription is None or subscription.deleted_at is not None:
        return False
    return subscription.is_live or (
        subscription.ended_at is not None and subscription.ended_at > day
    )

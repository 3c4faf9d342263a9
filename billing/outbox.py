"""The outbox: effects such as mails, written in the transaction of the change that causes them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from billing.clock import now
from models import OutboxEntry, db


def put(kind: str, key: str, *, account_id: int | None, **payload: Any) -> OutboxEntry | None:
    """Adds an effect to the current transaction; None when its fact is known already.

    `key` names the business fact ("payment_failed:in_123:2"), so that the effect happens once
    however often the fact is reported. `payload` holds ids and figures, never secrets.
    """
    with db.session.no_autoflush:
        known = db.session.scalar(select(OutboxEntry.id).where(OutboxEntry.key == key))
    added = any(isinstance(each, OutboxEntry) and each.key == key for each in db.session.new)
    if known is not None or added:
        return None
    moment = now()
    entry = OutboxEntry(
        key=key,
        kind=kind,
        account_id=account_id,
        payload=payload,
        created_at=moment,
        next_attempt_at=moment,
    )
    db.session.add(entry)
    return entry

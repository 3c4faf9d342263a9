"""The outbox: effects such as mails, written with the change that causes them, each done once.

An entry is claimed, done, and settled in three transactions, so that nothing is held while a mail
server answers. A process that dies in between leaves the entry claimed, visibly, and it is tried
again when the claim runs out: an effect may then happen twice rather than never, and says so to
whom it reaches (a mail carries the same Message-ID again).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from billing.clock import now
from models import OutboxEntry, db

log = logging.getLogger(__name__)

Effect = Callable[[OutboxEntry], None]
EFFECTS: dict[str, Effect] = {}

INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
# One run ends; the next goes on with what is due longest.
AT_ONCE = 200
CLAIM = timedelta(minutes=10)
# 1, 2, 4 ... minutes, at most half a day: the last attempt comes after about two and a half days.
ATTEMPTS = 12
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=12)


class NotNeeded(Exception):
    """The effect is switched off, or what it would tell is true no longer; the message says."""


class Unreachable(Exception):
    """What effects need, such as the mail server, does not answer: others need not try now."""


@dataclass
class Delivered:
    """What one run did, in numbers of entries."""

    sent: int = 0
    skipped: int = 0
    postponed: int = 0
    failed: int = 0

    def __str__(self) -> str:
        return (
            f"{self.sent} sent, {self.skipped} not needed, {self.postponed} to be tried again, "
            f"{self.failed} given up"
        )


def put(
    kind: str,
    key: str,
    *,
    account_id: int | None,
    not_before: datetime | None = None,
    **payload: Any,
) -> bool:
    """Adds an effect to the current transaction; False when its fact is known already.

    `key` names the business fact ("payment_failed:in_123:2"), so that the effect happens once
    however often the fact is reported, also by two transactions at once. `payload` holds ids and
    figures, never secrets. It is due at once, or at `not_before`.
    """
    moment = now()
    added = db.session.scalar(
        INSERT[db.engine.dialect.name](OutboxEntry)
        .values(
            key=key,
            kind=kind,
            account_id=account_id,
            payload=payload,
            created_at=moment,
            next_attempt_at=not_before or moment,
        )
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(OutboxEntry.id)
    )
    return added is not None


def effect(kind: str) -> Callable[[Effect], Effect]:
    """Registers what is done for entries of a kind; a kind has one effect.

    It gets the entry and may raise NotNeeded or Unreachable. Anything else it raises is noted
    and tried again later. It runs outside of any transaction but its own.
    """

    def register(function: Effect) -> Effect:
        if kind in EFFECTS:
            raise ValueError(f"{kind} has two effects")
        EFFECTS[kind] = function
        return function

    return register


def deliver_due(moment: datetime | None = None) -> Delivered:
    """Does what is due at `moment` (now, by default), what waited longest first."""
    moment = moment or now()
    done = Delivered()
    ids = db.session.scalars(
        select(OutboxEntry.id)
        .where(*_due(moment))
        .order_by(OutboxEntry.next_attempt_at, OutboxEntry.id)
        .limit(AT_ONCE)
    ).all()
    for entry_id in ids:
        entry = _claim(entry_id, moment)
        if entry is not None and not _deliver(entry, moment, done):
            break
    return done


def retry_failed() -> int:
    """Makes every entry that was given up due again, as if it were new; how many."""
    again = db.session.execute(
        update(OutboxEntry)
        .where(OutboxEntry.status == "failed")
        .values(status="pending", attempts=0, next_attempt_at=now(), settled_at=None)
    )
    db.session.commit()
    return int(again.rowcount)


def counts() -> dict[str, int]:
    """How many entries there are of each status."""
    found = db.session.execute(
        select(OutboxEntry.status, func.count()).group_by(OutboxEntry.status)
    ).all()
    return dict(sorted((status, number) for status, number in found))


def _due(moment: datetime) -> tuple[Any, ...]:
    # A claim that has run out is due as well: whoever made it died.
    return OutboxEntry.status.in_(("pending", "claimed")), OutboxEntry.next_attempt_at <= moment


def _claim(entry_id: int, moment: datetime) -> OutboxEntry | None:
    """The entry, counted and kept from others for a while; None when somebody else has it."""
    entry = db.session.get_one(OutboxEntry, entry_id, populate_existing=True)
    claimed = db.session.execute(
        update(OutboxEntry)
        .where(OutboxEntry.id == entry_id, OutboxEntry.attempts == entry.attempts, *_due(moment))
        # From now on, not from the beginning of a run that may have taken long already.
        .values(
            status="claimed",
            attempts=entry.attempts + 1,
            next_attempt_at=max(moment, now()) + CLAIM,
        )
        .execution_options(synchronize_session=False)
    )
    db.session.commit()
    if claimed.rowcount == 0:
        return None
    return db.session.get_one(OutboxEntry, entry_id, populate_existing=True)


def _deliver(entry: OutboxEntry, moment: datetime, done: Delivered) -> bool:
    """Does one entry and settles it; False when no other can be done now."""
    entry_id, kind, key, attempts = entry.id, entry.kind, entry.key, entry.attempts
    try:
        if kind not in EFFECTS:
            raise LookupError(f"nothing is known to do for {kind!r}")
        EFFECTS[kind](entry)
    except NotNeeded as why:
        db.session.rollback()
        _settle(entry_id, attempts, status="skipped", reason=str(why)[:200], settled_at=moment)
        done.skipped += 1
    except Exception as error:
        # Whatever is wrong with this one must not keep the others waiting.
        db.session.rollback()
        last = attempts >= ATTEMPTS
        log.warning("%s was not delivered (attempt %d): %r", key, attempts, error)
        problem = f"{type(error).__name__}: {error}"[:2000]
        if last:
            _settle(entry_id, attempts, status="failed", last_error=problem, settled_at=moment)
            done.failed += 1
        else:
            again = moment + min(FIRST_WAIT * 2 ** (attempts - 1), LONGEST_WAIT)
            _settle(entry_id, attempts, status="pending", last_error=problem, next_attempt_at=again)
            done.postponed += 1
        return not isinstance(error, Unreachable)
    else:
        db.session.rollback()
        _settle(entry_id, attempts, status="sent", last_error=None, settled_at=moment)
        done.sent += 1
    return True


def _settle(entry_id: int, attempts: int, **values: Any) -> None:
    # Only the claim that did it: a later one has counted further.
    db.session.execute(
        update(OutboxEntry)
        .where(OutboxEntry.id == entry_id, OutboxEntry.attempts == attempts)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()

"""Does the outbox empty itself?"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, or_, select

from billing.clock import now
from billing.dates import lasting
from billing.health.check import ATTENTION, GOOD, Check, counted, number, state_of
from models import OutboxEntry, db

WAITS_LONG, WAITS_TOO_LONG = timedelta(minutes=5), timedelta(hours=1)


def waiting() -> Check:
    """Entries that are due, or were tried in vain; what is to go out later does not count."""
    name, title = "mails_waiting", "Mails waiting"
    moment = now()
    open_ones = OutboxEntry.status.in_(("pending", "claimed"))
    late = or_(OutboxEntry.next_attempt_at <= moment, OutboxEntry.attempts > 0)
    oldest = db.session.scalar(
        # What was tried waits since it was written, what was not since it was due.
        select(func.min(OutboxEntry.next_attempt_at)).where(open_ones, OutboxEntry.attempts == 0)
    )
    tried = db.session.scalar(
        select(func.min(OutboxEntry.created_at)).where(open_ones, OutboxEntry.attempts > 0)
    )
    since = min((at for at in (oldest, tried) if at is not None), default=None)
    if since is None or since > moment:
        return Check(name, title, GOOD, "Nothing that is due waits.", figure=0)
    age = moment - since
    count = counted(select(OutboxEntry.id).where(open_ones, late))
    waits = number(count, "mail waits", "mails wait")
    return Check(
        name,
        title,
        state_of(age, WAITS_LONG, WAITS_TOO_LONG),
        f"{waits}, the oldest for {lasting(age)}.",
        f"a mail has waited for {lasting(age)}",
        "If no worker runs, start one. If one does, the oldest entry's page shows what the mail "
        "server said: check MAIL_SERVER and its user. Each is tried again by itself.",
        int(age.total_seconds()),
    )


def failed() -> Check:
    name, title = "mails_failed", "Mails given up"
    count = counted(select(OutboxEntry.id).where(OutboxEntry.status == "failed"))
    if not count:
        return Check(name, title, GOOD, "None.", figure=0)
    what = number(count, "mail", "mails")
    return Check(
        name,
        title,
        ATTENTION,
        f"{what} could not be sent in two and a half days of trying.",
        f"{what} {'was' if count == 1 else 'were'} given up",
        'Read the error on their pages and mend its cause, then press "Send all failed again".',
        count,
    )

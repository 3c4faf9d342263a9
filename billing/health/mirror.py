"""Was the mirror compared with all that Stripe has?"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from billing.backfill import ORDER
from billing.clock import now
from billing.dates import lasting
from billing.health.check import ATTENTION, GOOD, Check
from models import SyncProgress, db

OLD = timedelta(days=31)
SYNC = "Run flask billing sync; it may be stopped and goes on where it was."


def synced() -> Check:
    name, title = "sync", "Everything brought from Stripe"
    rows = {row.kind: row for row in db.session.scalars(select(SyncProgress))}
    done = [rows[kind].completed_at for kind in ORDER if kind in rows]
    ends: list[datetime] = [at for at in done if at is not None]
    running = [row for row in rows.values() if row.finished_at is None]
    if len(ends) < len(ORDER):
        said = (
            f"A first run has brought {len(ends)} of {len(ORDER)} kinds of objects."
            if rows
            else "It was never done: the portal knows only what webhooks and its own pages told it."
        )
        return Check(name, title, ATTENTION, said, "a whole sync was never completed", SYNC)
    age = max(now() - min(ends), timedelta())
    days = int(age.total_seconds()) // 86400
    said = f"All {len(ORDER)} kinds, the first {lasting(age)} ago."
    if age > OLD:
        return Check(
            name,
            title,
            ATTENTION,
            said,
            f"the last whole sync is {lasting(age)} old",
            "Run flask billing sync once a month: webhooks can be missed, and Stripe keeps events "
            "for 30 days only.",
            days,
        )
    if running:
        said += f" Another run stands at {min(running, key=lambda row: row.started_at).kind}."
    return Check(name, title, GOOD, said, figure=days)


def kinds() -> list[tuple[str, SyncProgress | None]]:
    """Each kind of objects with how far it was brought, in the order in which that is done."""
    rows = {row.kind: row for row in db.session.scalars(select(SyncProgress))}
    return [(kind, rows.get(kind)) for kind in ORDER]

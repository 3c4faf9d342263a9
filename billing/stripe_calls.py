"""How Stripe answers: every call counted by minute, outcome and time, kept for a week.

Calls are noted while a request or a task runs and written at its end, in a transaction of their
own. Nothing is ever refused because they could not be written. Times are the machine's own, as
a demo's clock may be elsewhere.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, g, has_app_context
from sqlalchemy import delete, select

from billing.clock import machine_now
from billing.gateway.measured import Call, listens
from billing.upsert import upsert
from models import StripeCalls, db

# Milliseconds up to which calls are counted together; the last step holds all that took longer.
STEPS = (25, 50, 75, 100, 150, 200, 300, 400, 500, 750, 1000, 1500, 2000, 3000, 5000, 10000)
LONGER = 60000
KEPT_FOR = timedelta(days=7)
# A long task writes in between, so that its calls are seen while it runs.
AT_MOST = 100
# What is no fault of Stripe's or of the network.
ANSWERS = frozenset({"answered", "declined", "refused"})


@dataclass(frozen=True)
class Summary:
    """Calls of some time, put together. `median` and `slow` (19 of 20 took at most as long) are
    the upper ends of their steps, in milliseconds; None without calls."""

    outcomes: Counter[str]
    median: int | None
    slow: int | None
    last: StripeCalls | None

    @property
    def calls(self) -> int:
        return self.outcomes.total()

    @property
    def problems(self) -> int:
        return sum(count for outcome, count in self.outcomes.items() if outcome not in ANSWERS)


def init_app(app: Flask) -> None:
    """Writes what was noted at the end of each request and task.

    To be registered before the database, because what is registered last ends first: the
    caller's own transaction is over by then.
    """
    app.teardown_appcontext(lambda _error: flush())


@listens
def note(call: Call) -> None:
    if not has_app_context():
        return
    noted: list[tuple[datetime, Call]] = g.setdefault("stripe_calls", [])
    noted.append((machine_now(), call))
    if len(noted) >= AT_MOST and not db.session().in_transaction():
        flush()


def flush() -> None:
    """Writes the calls noted in this context so far."""
    noted: list[tuple[datetime, Call]] = g.pop("stripe_calls", [])
    if not noted:
        return
    rows: dict[tuple[datetime, str, int], dict[str, Any]] = {}
    for at, call in noted:
        key = (at.replace(second=0, microsecond=0), call.outcome, _step(call.milliseconds))
        row = rows.setdefault(
            key, {"minute": key[0], "outcome": key[1], "within_ms": key[2], "calls": 0}
        )
        row["calls"] += 1
        row["last_at"], row["last_ms"] = at, call.milliseconds
        row["skew_seconds"] = (
            round((at - call.stripe_time).total_seconds()) if call.stripe_time else None
        )
    upsert(StripeCalls, list(rows.values()), _added)


def since(moment: datetime) -> Summary:
    """The calls from `moment` on, whole minutes."""
    rows = db.session.scalars(
        select(StripeCalls).where(StripeCalls.minute >= moment.replace(second=0, microsecond=0))
    ).all()
    outcomes: Counter[str] = Counter()
    for row in rows:
        outcomes[row.outcome] += row.calls
    steps = Counter[int]()
    for row in rows:
        steps[row.within_ms] += row.calls
    last = max(rows, key=lambda row: row.last_at, default=None)
    return Summary(outcomes, _share(steps, 50), _share(steps, 95), last)


def last() -> StripeCalls | None:
    """The row that the latest call of all is counted in."""
    newest = db.session.scalar(
        select(StripeCalls.minute).order_by(StripeCalls.minute.desc()).limit(1)
    )
    if newest is None:
        return None
    return since(newest).last


def forget_old() -> int:
    """Removes what is older than a week; how many rows."""
    gone = db.session.execute(
        delete(StripeCalls).where(StripeCalls.minute < machine_now() - KEPT_FOR)
    )
    db.session.commit()
    return int(gone.rowcount)  # type: ignore[attr-defined]


def _step(milliseconds: int) -> int:
    return next((step for step in STEPS if milliseconds <= step), LONGER)


def _share(steps: Counter[int], percent: int) -> int | None:
    """The step within which so many of a hundred calls ended."""
    wanted, seen = steps.total() * percent / 100, 0
    for step in sorted(steps):
        seen += steps[step]
        if seen >= wanted:
            return step
    return None


def _added(statement: Any) -> dict[str, Any]:
    new = statement.excluded
    return {
        "calls": StripeCalls.calls + new.calls,
        "last_at": new.last_at,
        "last_ms": new.last_ms,
        "skew_seconds": new.skew_seconds,
    }

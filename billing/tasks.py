"""What is done in the background, again and again: the same by a worker, by cron, or by hand.

No page and no webhook puts a task anywhere: each looks by itself for what is due, so nothing is
lost while no worker runs, and two workers do no harm.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from billing import (
    customer_view,
    outbox,
    pauses,
    purchases,
    staff_actions,
    stripe_calls,
    task_runs,
    webhook_inbox,
)
from billing.clock import now
from billing.facts import reminders
from billing.price_changes import moving, notices
from models import db

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """Something due: its name, how often a worker does it, and what it calls."""

    name: str
    every: timedelta
    run: Callable[[], Any]


# In this order when they are run once: the later ones do what the earlier ones find.
TASKS = (
    Task("sweep_inbox", timedelta(minutes=1), lambda: webhook_inbox.sweep(only_due=True)),
    Task("settle_staff_actions", timedelta(minutes=1), staff_actions.settle_open),
    Task("resume_paused", timedelta(minutes=1), lambda: pauses.resume_due(now())),
    Task("expire_purchases", timedelta(hours=1), lambda: purchases.expire_due(now())),
    Task("end_customer_views", timedelta(minutes=1), customer_view.end_those_over),
    Task("move_prices", timedelta(seconds=10), moving.run),
    Task("find_price_notices", timedelta(minutes=1), notices.find),
    Task("find_reminders", timedelta(minutes=1), reminders.find),
    Task("deliver_outbox", timedelta(seconds=5), outbox.deliver_due),
    Task("forget_stripe_calls", timedelta(hours=1), stripe_calls.forget_old),
)


def run(task: Task) -> Any:
    """Runs one task, noting how it went; what it says. Nothing of it stays uncommitted."""
    with task_runs.noted(task.name):
        try:
            return task.run()
        finally:
            db.session.rollback()


def run_once() -> dict[str, str]:
    """Runs every task here and now; what each of them said. One that fails stops no other.

    Raises TasksFailed at the end when any did.
    """
    said: dict[str, str] = {}
    failed: list[str] = []
    for task in TASKS:
        try:
            said[task.name] = str(run(task))
        except Exception as error:
            log.exception("%s failed", task.name)
            said[task.name] = f"failed: {type(error).__name__}: {error}"
            failed.append(task.name)
    if failed:
        raise TasksFailed(said)
    return said


class TasksFailed(Exception):
    """Some tasks failed; `said` is what each of them said."""

    def __init__(self, said: dict[str, str]):
        self.said = said
        super().__init__(", ".join(said))

"""Does somebody do what is due in the background?"""

from __future__ import annotations

from datetime import timedelta

from billing import task_runs
from billing.clock import machine_now
from billing.dates import lasting
from billing.health.check import ATTENTION, BAD, GOOD, Check, number, state_of
from billing.tasks import TASKS, Task
from models import TaskRun

AWAY_LONG, AWAY_TOO_LONG = timedelta(minutes=5), timedelta(minutes=15)
START = (
    "Start one with celery --app worker worker --beat, or let cron run flask billing run-tasks "
    "every minute. Until then no mail goes out and nothing is tried again."
)
FAILS_TOO_OFTEN = 3


def running() -> Check:
    name, title = "worker", "Worker"
    last = max((run.started_at for run in task_runs.every().values()), default=None)
    if last is None:
        said = "No worker has ever run."
        return Check(name, title, BAD, said, "no worker has ever run", START)
    away = max(machine_now() - last, timedelta())
    state = state_of(away, AWAY_LONG, AWAY_TOO_LONG)
    seconds = int(away.total_seconds())
    if state == GOOD:
        said = f"One runs; it last began a task {lasting(away)} ago."
        return Check(name, title, GOOD, said, figure=seconds)
    said = f"No worker has run for {lasting(away)}."
    return Check(name, title, state, said, f"no worker has run for {lasting(away)}", START, seconds)


def tasks() -> Check:
    """Whether each task that ran ended well, and came to its turn."""
    name, title = "tasks", "Background tasks"
    runs = task_runs.every()
    troubles = {
        task.name: trouble
        for task in TASKS
        if (trouble := _trouble(task, runs.get(task.name))) is not None
    }
    if not troubles:
        return Check(name, title, GOOD, "Each one's last run went well.", figure=0)
    worst = max(run.failures_in_a_row for run in runs.values()) if runs else 0
    return Check(
        name,
        title,
        BAD if worst >= FAILS_TOO_OFTEN else ATTENTION,
        " ".join(f"{_words(each)} {trouble}" for each, trouble in troubles.items()),
        f"{number(len(troubles), 'background task', 'background tasks')} cannot do "
        f"{'its' if len(troubles) == 1 else 'their'} work",
        "The worker's log has the whole error. A task tries again at its next turn; "
        "Health shows when each last ran.",
        len(troubles),
    )


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _trouble(task: Task, run: TaskRun | None) -> str | None:
    if run is None:
        return None
    if run.error is not None:
        times = f" for the {run.failures_in_a_row}th time" if run.failures_in_a_row > 3 else ""
        return f"failed{times}: {run.error[:200].rstrip('.')}."
    late = machine_now() - run.started_at
    is_hanging = run.finished_at is None or run.finished_at < run.started_at
    if is_hanging and late > 3 * task.every + AWAY_TOO_LONG:
        return f"began {lasting(late)} ago and has not ended."
    return None

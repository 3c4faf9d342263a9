"""When each background task last ran, how long it took, and what it said when it failed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import g
from sqlalchemy import select

from billing.clock import machine_now
from billing.upsert import upsert
from models import TaskRun, db


@contextmanager
def noted(name: str) -> Iterator[None]:
    """Notes the beginning and the end of a run inside; what it raises goes on.

    While it runs, `g.task` names it.
    """
    g.task = name
    began, clock = machine_now(), time.perf_counter()
    _write(name, started_at=began)
    try:
        yield
    except Exception as error:
        said = f"{type(error).__name__}: {error}"[:2000]
        _write(name, started_at=began, **_ended(clock), error=said, failures_in_a_row=1)
        raise
    else:
        _write(name, started_at=began, **_ended(clock), error=None, failures_in_a_row=0)
    finally:
        g.pop("task", None)


def every() -> dict[str, TaskRun]:
    """The last run of each task that ever ran, by name."""
    return {row.name: row for row in db.session.scalars(select(TaskRun))}


def _ended(clock: float) -> dict[str, Any]:
    took = round((time.perf_counter() - clock) * 1000)
    return {"finished_at": machine_now(), "duration_ms": took}


def _write(name: str, **values: Any) -> None:
    def change(statement: Any) -> dict[str, Any]:
        if values.get("failures_in_a_row"):
            return {**values, "failures_in_a_row": TaskRun.failures_in_a_row + 1}
        return values

    upsert(TaskRun, [{"name": name, **values}], change)

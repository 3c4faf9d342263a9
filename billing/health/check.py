"""One thing that is looked at, with what was found and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, func, select

from models import db

GOOD, ATTENTION, BAD = "good", "attention", "bad"
# The least pressing first.
STATES = (GOOD, ATTENTION, BAD)
# Counting ends here: more is not worse.
COUNTED_AT_MOST = 1000


@dataclass(frozen=True)
class Check:
    """What was found: `said` in a sentence, `short` within one ("no worker runs"), the figure
    alone for machines, and what to do, empty when it is good."""

    name: str
    title: str
    state: str
    said: str
    short: str = ""
    todo: str = ""
    figure: Any = None

    @property
    def is_good(self) -> bool:
        return self.state == GOOD


Checking = Callable[[], Check]


def state_of(length: timedelta, attention: timedelta, bad: timedelta) -> str:
    """The state of something that has lasted so long."""
    return BAD if length >= bad else ATTENTION if length >= attention else GOOD


def counted(statement: Select[Any]) -> int:
    """How many rows, at most COUNTED_AT_MOST."""
    few = statement.limit(COUNTED_AT_MOST).subquery()
    return db.session.scalar(select(func.count()).select_from(few)) or 0


def number(count: int, one: str, many: str) -> str:
    """ "1 webhook", "3 webhooks", "1,000 webhooks or more"."""
    if count == 1:
        return f"1 {one}"
    return f"{count:,} {many}{' or more' if count >= COUNTED_AT_MOST else ''}"

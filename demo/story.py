"""What a story is made of: acts at their days."""

from __future__ import annotations

import calendar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from demo.population import Company


@dataclass(frozen=True)
class Act:
    """Something that happens at a moment (unix seconds) to a company; None for to all of them.

    `what` is the name of a method of `life.Life`, `terms` are its arguments.
    """

    at: int
    company: Company | None
    what: str
    terms: dict[str, Any] = field(default_factory=dict)


class Story:
    """The acts of one company, in the order of the days that are named."""

    def __init__(self, company: Company | None, begin: datetime, today: datetime, hour: float = 9):
        self.acts: list[Act] = []
        self.company, self._begin, self._today, self._hour = company, begin, today, hour

    def on(self, day: float, what: str, **terms: Any) -> Story:
        base = self._begin if day >= 0 else self._today
        at = base + timedelta(days=day, hours=self._hour)
        self.acts.append(Act(int(at.timestamp()), self.company, what, terms))
        return self


def months_before(moment: datetime, months: int) -> datetime:
    """The same day so many months ago, or the last of a shorter month."""
    years, month = divmod(moment.year * 12 + moment.month - 1 - months, 12)
    last = calendar.monthrange(years, month + 1)[1]
    return moment.replace(year=years, month=month + 1, day=min(moment.day, last))

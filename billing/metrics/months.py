"""Calendar months in UTC, counted so that they can be compared and added to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, order=True)
class Month:
    """`number` counts months since the year 0."""

    number: int

    @classmethod
    def of(cls, moment: datetime) -> Month:
        return cls(number_of(moment))

    @classmethod
    def named(cls, key: str) -> Month:
        """The month of a key such as "2026-11"; ValueError for anything else."""
        found = re.fullmatch(r"(20\d\d)-(0[1-9]|1[0-2])", key)
        if found is None:
            raise ValueError(f"{key!r} is no month")
        return cls(int(found[1]) * 12 + int(found[2]) - 1)

    @property
    def key(self) -> str:
        return f"{self.start:%Y-%m}"

    @property
    def start(self) -> datetime:
        return datetime(self.number // 12, self.number % 12 + 1, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The first moment that is not in it any more."""
        return self.plus(1).start

    @property
    def label(self) -> str:
        return f"{self.start:%B %Y}"

    @property
    def short(self) -> str:
        return f"{self.start:%b %y}"

    def plus(self, months: int) -> Month:
        return Month(self.number + months)

    def until(self, last: Month) -> list[Month]:
        """The months from this one to `last`, both among them."""
        return [Month(number) for number in range(self.number, last.number + 1)]


def number_of(moment: datetime) -> int:
    """The `Month.number` of an aware UTC datetime."""
    return moment.year * 12 + moment.month - 1

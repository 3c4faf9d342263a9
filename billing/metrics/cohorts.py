"""Subscribers by the month they first paid in: who still pays, and what they are worth."""

from __future__ import annotations

from dataclasses import dataclass

from billing.metrics.book import Book
from billing.metrics.months import Month
from billing.metrics.shares import Share

SHOWN = 12


@dataclass
class Cell:
    """A cohort at the end of a month, so many months after its first: how many, minor units."""

    month: Month
    subscribers: int = 0
    mrr: int = 0


@dataclass
class Cohort:
    """Those who were worth something for the first time at the end of `month`."""

    month: Month
    cells: list[Cell]

    @property
    def size(self) -> int:
        return self.cells[0].subscribers

    @property
    def mrr(self) -> int:
        """What it was worth at first, minor units."""
        return self.cells[0].mrr

    def share(self, cell: Cell) -> Share:
        return Share(cell.subscribers, self.size)

    def revenue_share(self, cell: Cell) -> Share:
        return Share(cell.mrr, self.mrr)


def of(book: Book, last: Month) -> list[Cohort]:
    """The cohorts of the twelve months up to `last`, the oldest first; none with nobody in it."""
    first = last.plus(1 - SHOWN)
    cohorts = {
        month: Cohort(month, [Cell(each) for each in month.until(last)])
        for month in first.until(last)
    }
    for subscriber in book.subscribers:
        cohort = cohorts.get(subscriber.first_month)
        if cohort is None:
            continue
        for cell in cohort.cells:
            worth = subscriber.mrr(cell.month)
            cell.subscribers += bool(worth)
            cell.mrr += worth
    return [cohort for cohort in cohorts.values() if cohort.size]

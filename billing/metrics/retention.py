"""How much of what was earned is still earned: retention over twelve months, churn in one."""

from __future__ import annotations

from dataclasses import dataclass

from billing.metrics.book import Book
from billing.metrics.months import Month
from billing.metrics.shares import Share

MONTHS = 12


@dataclass(frozen=True)
class Retention:
    """Those worth something at the end of `since`: minor units then, now, and what is left of
    each at most as it was."""

    since: Month
    then: int
    now: int
    kept: int

    @property
    def net(self) -> Share:
        return Share(self.now, self.then)

    @property
    def gross(self) -> Share:
        return Share(self.kept, self.then)


@dataclass(frozen=True)
class Churn:
    """Of those at the month's beginning: who left, and what was lost of their MRR, minor units."""

    left: int
    subscribers: int
    lost: int
    mrr: int

    @property
    def of_subscribers(self) -> Share:
        return Share(self.left, self.subscribers)

    @property
    def of_revenue(self) -> Share:
        return Share(self.lost, self.mrr)


def over_a_year(book: Book, month: Month) -> Retention:
    """From the end of the same month a year before to the end of `month`."""
    since = month.plus(-MONTHS)
    then = now = kept = 0
    for each in book.subscribers:
        before = each.mrr(since)
        if before:
            after = each.mrr(month)
            then, now, kept = then + before, now + after, kept + min(before, after)
    return Retention(since, then, now, kept)


def churn(book: Book, month: Month) -> Churn:
    """What was lost in the month; nothing that was gained is set off against it."""
    before, found = book.of(month.plus(-1)), book.of(month)
    lost = -(found.amounts["churn"] + found.amounts["contraction"])
    return Churn(found.counts["churn"], before.subscribers, lost, before.mrr)


def average(book: Book, month: Month) -> int | None:
    """MRR per paying subscriber, minor units, rounded half to even; None without one."""
    found = book.of(month)
    if not found.subscribers:
        return None
    whole, rest = divmod(found.mrr, found.subscribers)
    up = 2 * rest > found.subscribers or (2 * rest == found.subscribers and whole % 2)
    return whole + bool(up)

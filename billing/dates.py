"""Dates as people read them, in the reader's locale. Everything is UTC."""

from __future__ import annotations

from datetime import date, datetime, timedelta, tzinfo

from babel.dates import format_date, format_skeleton
from flask_babel import get_locale

from billing.clock import now

# A day of the same name comes again after this many days, or came before.
WITHIN_THE_YEAR = 330


def _locale() -> str:
    return str(get_locale() or "en_GB")


def _in_english() -> bool:
    return _locale().startswith("en")


def _written(moment: datetime | date, english: str, skeleton: str) -> str:
    """Day before month in English; elsewhere in the locale's own order, by CLDR's skeletons."""
    if _in_english():
        return format_date(moment, english, locale=_locale())
    return format_skeleton(skeleton, moment, locale=_locale())


def day(moment: datetime | date | None) -> str:
    """The day in full, such as "1 December 2026"; nothing for None."""
    pattern = "d MMMM y" if _in_english() else "long"
    return format_date(moment, pattern, locale=_locale()) if moment else ""


def short_day(moment: datetime | date | None) -> str:
    """The day for tables, such as "1 Dec 2026"; nothing for None."""
    return _written(moment, "d MMM y", "yMMMd") if moment else ""


def day_of_month(moment: datetime | date | None) -> str:
    """The day as it is said within the year, such as "1 December"; farther away with its year."""
    if moment is None:
        return ""
    here = moment.date() if isinstance(moment, datetime) else moment
    return day(moment) if abs((here - now().date()).days) > WITHIN_THE_YEAR else _plain(moment)


def _plain(moment: datetime | date) -> str:
    return _written(moment, "d MMMM", "MMMMd")


def moment(moment: datetime | None) -> str:
    """Day and time in UTC, such as "1 Dec 2026, 14:05 UTC"; nothing for None."""
    return f"{short_day(moment)}, {moment:%H:%M} UTC" if moment else ""


def span(first: datetime | date, last: datetime | date) -> str:
    """Both days with no more said than needed, such as "19 to 30 November"."""
    if (first.year, first.month, first.day) == (last.year, last.month, last.day):
        return _plain(last)
    if (first.year, first.month) == (last.year, last.month) and _in_english():
        return f"{first.day} to {_plain(last)}"
    if first.year == last.year:
        return f"{_plain(first)} to {_plain(last)}"
    return f"{day(first)} to {day(last)}"


def time_left(until: datetime) -> str:
    """How much time is left at least, such as "14 days", "22 hours" or "40 minutes".

    Whole units, rounded down, so that nobody counts on time that is not there.
    """
    minutes = max(int((until - now()).total_seconds() // 60), 0)
    for unit, length in (("day", 1440), ("hour", 60)):
        # Less than two days are told in hours, less than two hours in minutes.
        if minutes >= 2 * length:
            return f"{minutes // length} {unit}s"
    return f"{minutes} minute{'' if minutes == 1 else 's'}"


def lasting(length: timedelta) -> str:
    """A length of time in one whole unit, such as "40 seconds", "12 minutes" or "3 days"."""
    seconds = max(int(length.total_seconds()), 0)
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        # Less than two of a unit is told in the next smaller one, but for exactly one.
        if seconds >= 2 * size or seconds == size:
            return f"{seconds // size} {unit}{'' if seconds == size else 's'}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"


def in_zone(moment: datetime | None, zone: tzinfo) -> datetime | None:
    """The moment as clocks of `zone` show it."""
    return moment.astimezone(zone) if moment else None

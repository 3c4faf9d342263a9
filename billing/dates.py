"""Dates as people read them, in the reader's locale. Everything is UTC."""

from __future__ import annotations

from datetime import date, datetime

from babel.dates import format_date, format_datetime
from flask_babel import get_locale

from billing.clock import now

# A day of the same name comes again after this many days, or came before.
WITHIN_THE_YEAR = 330


def _locale() -> str:
    return str(get_locale() or "en_GB")


def day(moment: datetime | date | None) -> str:
    """The day in full, such as "1 December 2026"; nothing for None."""
    return format_date(moment, "d MMMM y", locale=_locale()) if moment else ""


def short_day(moment: datetime | date | None) -> str:
    """The day for tables, such as "1 Dec 2026"; nothing for None."""
    return format_date(moment, "d MMM y", locale=_locale()) if moment else ""


def day_of_month(moment: datetime | date | None) -> str:
    """The day as it is said within the year, such as "1 December"; farther away with its year."""
    if moment is None:
        return ""
    here = moment.date() if isinstance(moment, datetime) else moment
    return day(moment) if abs((here - now().date()).days) > WITHIN_THE_YEAR else _plain(moment)


def _plain(moment: datetime | date) -> str:
    return format_date(moment, "d MMMM", locale=_locale())


def moment(moment: datetime | None) -> str:
    """Day and time in UTC, such as "1 Dec 2026, 14:05 UTC"; nothing for None."""
    return format_datetime(moment, "d MMM y, HH:mm 'UTC'", locale=_locale()) if moment else ""


def span(first: datetime | date, last: datetime | date) -> str:
    """Both days with no more said than needed, such as "19 to 30 November"."""
    if (first.year, first.month, first.day) == (last.year, last.month, last.day):
        return _plain(last)
    if (first.year, first.month) == (last.year, last.month):
        return f"{format_date(first, 'd', locale=_locale())} to {_plain(last)}"
    if first.year == last.year:
        return f"{_plain(first)} to {_plain(last)}"
    return f"{day(first)} to {day(last)}"

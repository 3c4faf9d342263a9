"""Dates as people read them, in the reader's locale. Everything is UTC."""

from __future__ import annotations

from datetime import date, datetime

from babel.dates import format_date, format_datetime
from flask_babel import get_locale


def _locale() -> str:
    return str(get_locale() or "en_GB")


def day(moment: datetime | date | None) -> str:
    """The day in full, such as "1 December 2026"; nothing for None."""
    return format_date(moment, "d MMMM y", locale=_locale()) if moment else ""


def short_day(moment: datetime | date | None) -> str:
    """The day for tables, such as "1 Dec 2026"; nothing for None."""
    return format_date(moment, "d MMM y", locale=_locale()) if moment else ""


def day_of_month(moment: datetime | date | None) -> str:
    """The day without its year, such as "1 December", for dates within the next months."""
    return format_date(moment, "d MMMM", locale=_locale()) if moment else ""


def moment(moment: datetime | None) -> str:
    """Day and time in UTC, such as "1 Dec 2026, 14:05 UTC"; nothing for None."""
    return format_datetime(moment, "d MMM y, HH:mm 'UTC'", locale=_locale()) if moment else ""


def span(first: datetime | date, last: datetime | date) -> str:
    """Both days with no more said than needed, such as "19 to 30 November"."""
    if (first.year, first.month, first.day) == (last.year, last.month, last.day):
        return day_of_month(last)
    if (first.year, first.month) == (last.year, last.month):
        return f"{format_date(first, 'd', locale=_locale())} to {day_of_month(last)}"
    if first.year == last.year:
        return f"{day_of_month(first)} to {day_of_month(last)}"
    return f"{day(first)} to {day(last)}"

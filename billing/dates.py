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

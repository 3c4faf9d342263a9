"""Billing periods, in UTC, counted from an anchor.

Every boundary is computed from the anchor itself, never from the one before: an anchor on the
31st bills on the last day of a short month and on the 31st again afterwards. Source: Stripe's
"Set the billing cycle date".
"""

from calendar import monthrange
from datetime import UTC, datetime, timedelta

DAY = 86_400


def moment(timestamp: int) -> datetime:
    """The aware UTC datetime of a unix timestamp."""
    return datetime.fromtimestamp(timestamp, UTC)


def boundary(anchor: int, interval: str, count: int, n: int) -> int:
    """The unix time of the `n`th period start after the anchor; `n` may be negative."""
    start = moment(anchor)
    if interval in ("day", "week"):
        days = count * n * (7 if interval == "week" else 1)
        return int((start + timedelta(days=days)).timestamp())
    months = count * n * (12 if interval == "year" else 1)
    index = start.year * 12 + start.month - 1 + months
    year, month = index // 12, index % 12 + 1
    day = min(start.day, monthrange(year, month)[1])
    return int(start.replace(year=year, month=month, day=day).timestamp())


def period(anchor: int, interval: str, count: int, at: int) -> tuple[int, int]:
    """Start and end of the period that contains `at`: start <= at < end."""
    n = _estimate(anchor, interval, count, at)
    while boundary(anchor, interval, count, n) > at:
        n -= 1
    while boundary(anchor, interval, count, n + 1) <= at:
        n += 1
    return boundary(anchor, interval, count, n), boundary(anchor, interval, count, n + 1)


def after(start: int, interval: str, count: int) -> int:
    """The time `count` intervals after `start`."""
    return boundary(start, interval, count, 1)


def _estimate(anchor: int, interval: str, count: int, at: int) -> int:
    days = {"day": 1, "week": 7, "month": 30, "year": 365}[interval] * count
    return (at - anchor) // (days * DAY)

"""Billing periods as Stripe counts them: every boundary from the anchor, in UTC.

An anchor on the 31st bills on the last day of a short month and on the 31st again afterwards.
Source: Stripe's docs, "Set the billing cycle date".
"""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime, timedelta

from billing.pricing import Cadence

DAYS = {"day": 1, "week": 7}
MONTHS = {"month": 1, "year": 12}


def boundary(anchor: datetime, cadence: Cadence, number: int, day: int | None = None) -> datetime:
    """The start of the `number`th period after the anchor's; `number` may be negative.

    `day` is the day of the month that was asked for, where the anchor's own month is too short.
    """
    if cadence.interval in DAYS:
        return anchor + timedelta(days=DAYS[cadence.interval] * cadence.count * number)
    months = MONTHS[cadence.interval] * cadence.count * number + anchor.month - 1
    year, month = anchor.year + months // 12, months % 12 + 1
    last = monthrange(year, month)[1]
    return anchor.replace(year=year, month=month, day=min(day or anchor.day, last))


def period_at(
    anchor: datetime, cadence: Cadence, at: datetime, day: int | None = None
) -> tuple[datetime, datetime]:
    """Begin and end of the period that holds `at`: begin <= at < end."""
    number = int((at - anchor).days / cadence.days)
    while boundary(anchor, cadence, number, day) > at:
        number -= 1
    while boundary(anchor, cadence, number + 1, day) <= at:
        number += 1
    return boundary(anchor, cadence, number, day), boundary(anchor, cadence, number + 1, day)

"""From which day to which, in whose time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

CHOICES = (
    ("this_month", "This month"),
    ("last_month", "Last month"),
    ("this_quarter", "This quarter"),
    ("last_quarter", "Last quarter"),
    ("this_year", "This year"),
    ("last_year", "Last year"),
    ("all", "All time"),
    ("custom", "From and to"),
)
FIRST_DAY, LAST_DAY = date(1970, 1, 2), date(2199, 12, 31)


@dataclass(frozen=True)
class Period:
    """Days in a time zone, both included; None is open."""

    zone: ZoneInfo
    since: date | None = None
    until: date | None = None

    @property
    def start(self) -> datetime | None:
        """Its first moment, UTC."""
        return None if self.since is None else self._midnight(self.since)

    @property
    def end(self) -> datetime | None:
        """The first moment after it, UTC."""
        return None if self.until is None else self._midnight(self.until + timedelta(days=1))

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone).astimezone(UTC)


def named(choice: str, zone: ZoneInfo, now: datetime) -> Period:
    """A choice of `CHOICES` but "custom", as it stands at `now`."""
    today = now.astimezone(zone).date()
    span, _, unit = choice.partition("_")
    if choice == "all":
        return Period(zone)
    months = {"month": 1, "quarter": 3, "year": 12}[unit]
    begun = date(today.year, (today.month - 1) // months * months + 1, 1)
    if span == "last":
        begun = _later(begun, -months)
    return Period(zone, begun, _later(begun, months) - timedelta(days=1))


def _later(first: date, months: int) -> date:
    """The first of the month that many months later."""
    count = first.year * 12 + first.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)


def zone_of(name: str) -> ZoneInfo | None:
    """The time zone of that name, such as "Europe/Berlin"; None for no such zone."""
    return ZoneInfo(name) if name in available_timezones() else None


def zones() -> list[str]:
    """Names people choose from; what a machine keeps for itself is left out."""
    areas = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/")
    return ["UTC", *sorted(n for n in available_timezones() if n.startswith((*areas, "Pacific/")))]

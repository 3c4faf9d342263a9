"""What stands in one cell of a file, as text that no spreadsheet runs."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from billing.money import exponent

# A spreadsheet runs a text cell that begins with one of these, also after white space, as a
# formula; some take the full-width forms too. Source: OWASP, "CSV Injection".
FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
CONTROL_STARTS = ("\t", "\r", "\n")


def safe_text(text: str) -> str:
    """The text so that no spreadsheet takes it for a formula; numbers never come through here."""
    if text.startswith(CONTROL_STARTS) or text.lstrip().startswith(FORMULA_STARTS):
        return f"'{text}"
    return text


def amount(minor: int | Decimal, currency: str) -> str:
    """Minor units as a plain decimal with the digits of its currency: "-1500.05", "1500"."""
    places = exponent(currency)
    # PostgreSQL sums whole numbers as decimals.
    minor = int(minor)
    if places == 0:
        return str(minor)
    whole, rest = divmod(abs(minor), 10**places)
    return f"{'-' if minor < 0 else ''}{whole}.{rest:0{places}d}"


def unit_amount(minor: str | Decimal, currency: str) -> str:
    """A price in minor units, perhaps with a fraction of one, as a plain decimal."""
    return f"{Decimal(minor).scaleb(-exponent(currency)):f}"


def day(moment: datetime, zone: ZoneInfo, written: str = "%Y-%m-%d") -> str:
    """The day it was in `zone`."""
    local = moment.astimezone(zone)
    return local.date().isoformat() if written == "%Y-%m-%d" else local.strftime(written)


def moment(when: datetime, zone: ZoneInfo) -> str:
    """Day and time in `zone` with its distance to UTC, as ISO 8601 writes them."""
    return when.astimezone(zone).isoformat(timespec="seconds")

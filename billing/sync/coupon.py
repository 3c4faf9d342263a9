"""A coupon's JSON as columns. `amount_off` is minor units of its currency."""

from __future__ import annotations

from decimal import Decimal

from billing.clock import from_unix
from billing.sync.fields import Data, References


def columns(data: Data) -> Data:
    percent = data.get("percent_off")
    return {
        "name": data.get("name"),
        "percent_off": None if percent is None else _plain(percent),
        "amount_off": data.get("amount_off"),
        "currency": data.get("currency"),
        "currency_options": data.get("currency_options"),
        "duration": data["duration"],
        "duration_in_months": data.get("duration_in_months"),
        "valid": data["valid"],
        "redeem_by": from_unix(data.get("redeem_by")),
        "applies_to": (data.get("applies_to") or {}).get("products"),
    }


def _plain(percent: float) -> str:
    """A percentage without needless zeros: 20.0 is "20", 12.5 is "12.5"."""
    return format(Decimal(str(percent)).normalize(), "f")


def refers_to(data: Data) -> References:
    return []

"""Round sums in each of the company's currencies."""

from __future__ import annotations

# What a sum in cents is in another currency's minor units, roughly; round numbers stay round.
RATES = {"usd": 1.0, "eur": 0.92, "jpy": 1.5}


def amount_in(cents: int, currency: str) -> int:
    return round(cents * RATES[currency] / 100) * 100

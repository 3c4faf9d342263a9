"""Reading values out of Stripe's JSON."""

from __future__ import annotations

from typing import Any

Data = dict[str, Any]
References = list[tuple[str, str | None]]


def id_of(value: str | Data | None) -> str | None:
    """The id in a field that holds an id, the expanded object, or nothing."""
    return value["id"] if isinstance(value, dict) else value


def sum_of(amounts: list[Data] | None) -> int:
    """The sum of the `amount`s of a list that may be absent, in minor units."""
    return sum(each["amount"] for each in amounts or [])

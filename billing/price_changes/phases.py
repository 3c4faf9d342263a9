"""A schedule's phases with a move put in or taken out: arithmetic on Stripe's JSON, no calls.

A move is one price in place of another from a moment on. Whatever else a schedule does, such as
fewer seats next month, it goes on doing at the new price. Putting in what is in already changes
nothing, so that it can be asked again after a crash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

Phase = Mapping[str, Any]
# What makes two phases with the same items different all the same.
TERMS = ("discounts", "default_tax_rates", "default_payment_method", "description")


@dataclass(frozen=True)
class Prices:
    """The price that is moved from, and the one that is moved to."""

    old: str
    new: str

    def __contains__(self, price_id: object) -> bool:
        return price_id in (self.old, self.new)


@dataclass(frozen=True)
class Stretch:
    """A phase to be: as the schedule's phase number `source`, but for dates (Unix seconds), and
    for price and quantity of the one item that is moved."""

    source: int
    start: int
    end: int
    price: str
    quantity: int | None


def id_of(reference: Any) -> str:
    return reference["id"] if isinstance(reference, dict) else str(reference)


def moved_item(phase: Phase, prices: Prices) -> Mapping[str, Any] | None:
    """The item of either price; None when the phase has neither."""
    return next((item for item in phase["items"] if id_of(item["price"]) in prices), None)


def to_come(schedule: Mapping[str, Any]) -> list[int]:
    """The numbers of the current phase and those after it."""
    current = schedule.get("current_phase")
    phases: Sequence[Phase] = schedule["phases"]
    start = current["start_date"] if current else phases[0]["start_date"]
    return [number for number, phase in enumerate(phases) if phase["start_date"] >= start]


def leaves_at(schedule: Mapping[str, Any], prices: Prices) -> int | None:
    """When the schedule goes to something that is neither price (Unix seconds); None: never."""
    phases: Sequence[Phase] = schedule["phases"]
    gone = [phases[n] for n in to_come(schedule) if moved_item(phases[n], prices) is None]
    return min((int(phase["start_date"]) for phase in gone), default=None)


def as_they_are(schedule: Mapping[str, Any], prices: Prices) -> list[Stretch]:
    """The present and coming phases; every one of them has an item of either price."""
    found = []
    for number in to_come(schedule):
        phase = schedule["phases"][number]
        item = moved_item(phase, prices)
        assert item is not None
        found.append(
            Stretch(
                number,
                phase["start_date"],
                phase["end_date"],
                id_of(item["price"]),
                item.get("quantity"),
            )
        )
    return found


def without_move(
    schedule: Mapping[str, Any], prices: Prices, known_quantity: int | None
) -> list[Stretch]:
    """The phases as they would be had nothing been moved.

    `known_quantity` is what the subscription had when the move was put in: where a later phase
    has it still, that was our copy, and it follows a quantity that was changed since.
    """
    found: list[Stretch] = []
    for stretch in as_they_are(schedule, prices):
        quantity = stretch.quantity
        if found and quantity == known_quantity:
            quantity = found[0].quantity
        plain = replace(stretch, price=prices.old, quantity=quantity)
        last = found[-1] if found else None
        if last and last.quantity == plain.quantity and _same_terms(schedule, last, plain, prices):
            found[-1] = replace(last, end=plain.end)
        else:
            found.append(plain)
    return found


def with_move(
    schedule: Mapping[str, Any],
    prices: Prices,
    known_quantity: int | None,
    *,
    at: int,
    until: int,
) -> list[Stretch]:
    """The phases with the new price from `at` on, at least until `until` (Unix seconds)."""
    plain = without_move(schedule, prices, known_quantity)
    if plain[-1].end < at:
        plain[-1] = replace(plain[-1], end=at)
    found: list[Stretch] = []
    for stretch in plain:
        if stretch.start < at:
            found.append(replace(stretch, end=min(stretch.end, at)))
        if stretch.end > at:
            found.append(replace(stretch, start=max(stretch.start, at), price=prices.new))
    if found[-1].price == prices.old:
        found.append(replace(found[-1], start=at, end=until, price=prices.new))
    return found


def are(schedule: Mapping[str, Any], prices: Prices, wanted: Sequence[Stretch]) -> bool:
    """Whether the schedule has these phases already; when its last one ends does not matter."""

    def told(stretches: Sequence[Stretch]) -> list[tuple[int, str, int]]:
        return [(one.start, one.price, one.quantity or 1) for one in stretches]

    return told(as_they_are(schedule, prices)) == told(wanted)


def _same_terms(
    schedule: Mapping[str, Any], first: Stretch, second: Stretch, prices: Prices
) -> bool:
    return _terms(schedule["phases"][first.source], prices) == _terms(
        schedule["phases"][second.source], prices
    )


def _terms(phase: Phase, prices: Prices) -> list[Any]:
    others = sorted(
        (id_of(item["price"]), item.get("quantity") or 1)
        for item in phase["items"]
        if id_of(item["price"]) not in prices
    )
    return [others, *(phase.get(name) or None for name in TERMS)]

"""A subscription's move to another price, as a subscription schedule: set down and taken back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Protocol

import stripe

from billing.gateway.client import translated, v1
from billing.gateway.scheduled_change import id_of, item_params, phase_params

if TYPE_CHECKING:
    from stripe.params import SubscriptionScheduleUpdateParamsPhase

# Names, in the schedule's metadata, the move that is in it.
MOVED_BY = "price_move"


class Stretch(Protocol):
    """A phase to be, told by the phase it is like: `billing.price_changes.phases.Stretch`."""

    @property
    def source(self) -> int: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def price(self) -> str: ...
    @property
    def quantity(self) -> int | None: ...


def rewrite(
    schedule: stripe.SubscriptionSchedule,
    stretches: Sequence[Stretch],
    prices: Collection[str],
    *,
    move: str,
    idempotency_key: str,
) -> stripe.SubscriptionSchedule:
    """The schedule with these phases; nothing is prorated and nothing charged by it.

    `prices` are the two whose item is replaced. `move` names the move in it, "" for none.
    """
    phases = [_rewritten(schedule.phases[one.source], one, prices) for one in stretches]
    with translated():
        return v1().subscription_schedules.update(
            schedule.id,
            {"phases": phases, "proration_behavior": "none", "metadata": {MOVED_BY: move}},
            {"idempotency_key": idempotency_key},
        )


def release(schedule_id: str, *, idempotency_key: str) -> stripe.SubscriptionSchedule:
    """The schedule, let go: the subscription stays as it is."""
    with translated():
        return v1().subscription_schedules.release(
            schedule_id, None, {"idempotency_key": idempotency_key}
        )


def _rewritten(
    phase: stripe.SubscriptionSchedule.Phase, stretch: Stretch, prices: Collection[str]
) -> SubscriptionScheduleUpdateParamsPhase:
    params = phase_params(phase)
    params["items"] = [
        item_params(item, stretch.price, stretch.quantity)
        if id_of(item.price) in prices
        else item_params(item)
        for item in phase.items
    ]
    params["start_date"], params["end_date"] = stretch.start, stretch.end
    if phase.trial_end and phase.trial_end > stretch.start:
        # Left out, the trial would end at once.
        params["trial_end"] = phase.trial_end
    return params

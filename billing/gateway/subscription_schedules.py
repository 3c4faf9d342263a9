"""Subscription schedules, read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import stripe

from billing.gateway.client import translated, v1
from billing.gateway.listing import PAGE

if TYPE_CHECKING:
    from stripe.params import SubscriptionScheduleListParams


def retrieve(schedule_id: str) -> stripe.SubscriptionSchedule:
    """The schedule as it is now, in whatever status; GoneFromStripe when there is none."""
    with translated():
        return v1().subscription_schedules.retrieve(schedule_id)


def page(*, starting_after: str | None = None) -> stripe.ListObject[stripe.SubscriptionSchedule]:
    """A page of all schedules, newest first."""
    params: SubscriptionScheduleListParams = {"limit": PAGE}
    if starting_after:
        params["starting_after"] = starting_after
    with translated():
        return v1().subscription_schedules.list(params)

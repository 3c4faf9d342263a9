"""The first of a subscription's upcoming charges: one arithmetic for the sentence and the list."""

from __future__ import annotations

from datetime import datetime

from billing.upcoming_charges import UpcomingCharge, upcoming_charges
from models import Subscription


def next_charge(subscription: Subscription, now: datetime) -> UpcomingCharge | None:
    """The subscription's next charge; None when none will come."""
    found = upcoming_charges(subscription.customer_id, now)
    return next((one for one in found if one.subscription is subscription), None)

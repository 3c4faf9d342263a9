"""The Stripe account that the key opens."""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime

import stripe

from billing.gateway.client import translated, v1


def retrieve() -> stripe.Account:
    """The account; StripeMisconfigured when the key is refused."""
    with translated():
        return v1().accounts.retrieve_current()


def stripe_time(account: stripe.Account) -> datetime | None:
    """When Stripe answered by its own clock (whole seconds, UTC); None if it did not say."""
    response = account.last_response
    stamp = response.headers.get("Date") if response is not None else None
    return parsedate_to_datetime(stamp) if stamp else None

"""Who moves to the new price and when, as staff choose it for a price change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from billing.discounting import discounts_of
from models import Account, PriceChange, Subscription

KEEP, RENEWAL, DATE = "keep", "renewal", "date"
RULES = (KEEP, RENEWAL, DATE)
# A rise that is told with fewer days' notice must be confirmed by typing.
SHORT_NOTICE_DAYS = 7


@dataclass(frozen=True)
class Who:
    """A filter of subscribers; what is not set admits everybody. Days are ISO dates."""

    currency: str | None = None
    seats_from: int | None = None
    seats_to: int | None = None
    subscribed_from: str | None = None
    subscribed_before: str | None = None
    # Names of accounts, in any case, and ids of accounts, customers or subscriptions.
    named: tuple[str, ...] = ()
    without_coupon: bool = False

    @classmethod
    def of(cls, change: PriceChange) -> Who:
        return cls.from_json(change.who or {})

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Who:
        return cls(**{**given, "named": tuple(given.get("named") or ())})

    def as_json(self) -> dict[str, Any]:
        """Without what is not set."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
            if value
        }

    @property
    def is_everybody(self) -> bool:
        return self == Who()

    def admits(self, subscription: Subscription, account: Account | None) -> bool:
        since = subscription.start_date or subscription.created
        day = since.date().isoformat() if since else ""
        return (
            (self.currency is None or subscription.currency == self.currency)
            and (self.seats_from is None or subscription.quantity >= self.seats_from)
            and (self.seats_to is None or subscription.quantity <= self.seats_to)
            and (self.subscribed_from is None or day >= self.subscribed_from)
            and (self.subscribed_before is None or day < self.subscribed_before)
            and (not self.named or self._names(subscription, account))
            and not (self.without_coupon and discounts_of(subscription) != [])
        )

    def _names(self, subscription: Subscription, account: Account | None) -> bool:
        known = {subscription.stripe_id, subscription.customer_id}
        if account is not None:
            known |= {str(account.id), account.name.casefold()}
        elif subscription.customer is not None:
            known.add((subscription.customer.name or "").casefold())
        return any(one in known or one.casefold() in known for one in self.named)


def earliest(change: PriceChange, moment: datetime) -> datetime:
    """Before when nobody moves: the notice counts from the confirmation, `moment` until then.

    It counts by days: thirty days after the 1st is the 31st, from its first moment (UTC) on.
    """
    soonest = (change.confirmed_at or moment) + timedelta(days=change.notice_days)
    if change.notice_days:
        soonest = soonest.replace(hour=0, minute=0, second=0, microsecond=0)
    return max(soonest, change.starts_at) if change.starts_at else soonest


def is_short_notice(change: PriceChange) -> bool:
    """Whether it has to be confirmed by typing: somebody pays more, and hears of it late."""
    return change.rule != KEEP and change.is_rise and change.notice_days < SHORT_NOTICE_DAYS

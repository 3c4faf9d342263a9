"""Free trials: which plans begin with one for whom, and when the first charge would come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from billing import sync
from billing.clock import now
from models import NOT_BEGUN_STATUSES, Account, Product, Subscription, db

# Stripe's docs, "Use free trial periods": a trial lasts two years at most.
MOST_DAYS = 730


@dataclass(frozen=True)
class Trial:
    """So many days free; `needs_method` says whether they begin with a payment method."""

    days: int
    needs_method: bool

    def first_charge(self, begins: datetime) -> datetime:
        """When a trial that begins at that moment ends, and is charged for the first time."""
        return begins + timedelta(days=self.days)


def offered(plan: Product, account: Account | None) -> Trial | None:
    """The trial that the plan begins with for `account` (None: a visitor), or None.

    A trial is for who has never subscribed: one in an account's life, of whatever plan, and none
    for who paid before and comes back.
    """
    if not plan.trial_days or (account is not None and has_subscribed(account)):
        return None
    return Trial(min(plan.trial_days, MOST_DAYS), plan.trial_needs_method)


def has_subscribed(account: Account) -> bool:
    """Whether the account ever subscribed: by our own record, or by its customer's mirror."""
    if account.first_subscribed_at is not None:
        return True
    if account.stripe_customer_id is None:
        return False
    found = select(Subscription.stripe_id).where(
        Subscription.customer_id == account.stripe_customer_id,
        Subscription.status.not_in(NOT_BEGUN_STATUSES),
    )
    return db.session.scalar(found.limit(1)) is not None


@sync.observer
def remember(written: sync.Written) -> None:
    """Notes that an account subscribed, where it stays if the customer is deleted and made anew."""
    if written.kind != "subscription" or written.row.status in NOT_BEGUN_STATUSES:
        return
    subscription: Subscription = written.row
    db.session.execute(
        update(Account)
        .where(
            Account.stripe_customer_id == subscription.customer_id,
            Account.first_subscribed_at.is_(None),
        )
        .values(first_subscribed_at=subscription.start_date or subscription.created or now())
    )

"""Free trials: which plans begin with one for whom, and when the first charge would come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from billing import sync
from models import Account, Product, Subscription, db

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

    An account has one trial in its life, of whatever plan.
    """
    if not plan.trial_days or (account is not None and has_had_one(account)):
        return None
    return Trial(min(plan.trial_days, MOST_DAYS), plan.trial_needs_method)


def has_had_one(account: Account) -> bool:
    """Whether the account has had a trial: by our own record, or by the mirror of its customer."""
    if account.trial_began_at is not None:
        return True
    if account.stripe_customer_id is None:
        return False
    found = select(Subscription.stripe_id).where(
        Subscription.customer_id == account.stripe_customer_id,
        Subscription.trial_start.is_not(None),
    )
    return db.session.scalar(found.limit(1)) is not None


@sync.observer
def remember(written: sync.Written) -> None:
    """Notes an account's trial where it stays, should the customer be deleted and made anew."""
    if written.kind != "subscription" or written.row.trial_start is None:
        return
    db.session.execute(
        update(Account)
        .where(
            Account.stripe_customer_id == written.row.customer_id, Account.trial_began_at.is_(None)
        )
        .values(trial_began_at=written.row.trial_start)
    )

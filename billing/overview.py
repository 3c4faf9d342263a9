"""What needs a look today, by who looks: short questions that an index answers each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import aliased, joinedload

from billing.clock import now
from billing.health.check import counted
from billing.owed import FAILED
from models import (
    RUNNING_PRICE_CHANGES,
    STAFF_ROLES,
    Account,
    AuditEntry,
    Invoice,
    PriceChange,
    Refund,
    Role,
    Subscription,
    SubscriptionState,
    User,
    db,
)

SHOWN = 8
RECENT = timedelta(days=30)


@dataclass(frozen=True)
class Owed:
    """Open invoices of one currency: how many and how much, minor units; overdue ones apart.

    Overdue is what is past its due date, or was refused once by the bank.
    """

    currency: str
    count: int
    amount: int
    overdue_count: int
    overdue: int


@dataclass(frozen=True)
class Trouble:
    """An account whose subscription is past due or unpaid."""

    account: Account
    subscription: Subscription


def troubled() -> Sequence[Trouble]:
    """Some accounts with payment trouble, those whose period began last first."""
    ids = (
        select(Subscription.stripe_id)
        .where(Subscription.status.in_(FAILED), Subscription.deleted_at.is_(None))
        .order_by(Subscription.current_period_start.desc(), Subscription.stripe_id)
        .limit(SHOWN)
    )
    found = db.session.execute(
        select(Account, Subscription)
        .join(Subscription, Subscription.customer_id == Account.stripe_customer_id)
        .where(Subscription.stripe_id.in_(ids))
        .order_by(Subscription.current_period_start.desc(), Subscription.stripe_id)
    )
    return [Trouble(account, subscription) for account, subscription in found]


def how_many_troubled() -> int:
    """How many subscriptions are past due or unpaid, at most a thousand."""
    return counted(select(Subscription.stripe_id).where(Subscription.status.in_(FAILED)))


def failed_refunds() -> Sequence[Refund]:
    """The latest refunds that the bank sent back."""
    return db.session.scalars(
        select(Refund)
        .where(Refund.status == "failed", Refund.created >= now() - RECENT)
        .order_by(Refund.created.desc(), Refund.stripe_id)
        .limit(SHOWN)
    ).all()


def owed() -> list[Owed]:
    """What is open, one row per currency."""
    late = or_(Invoice.due_date < now(), Invoice.attempt_count > 0)
    found = db.session.execute(
        select(
            Invoice.currency,
            func.count(),
            func.sum(Invoice.amount_remaining),
            func.sum(case((late, 1), else_=0)),
            func.sum(case((late, Invoice.amount_remaining), else_=0)),
        )
        .where(Invoice.status == "open", Invoice.deleted_at.is_(None))
        .group_by(Invoice.currency)
        .order_by(Invoice.currency)
    )
    return [Owed(*(part or 0 for part in row)) for row in found]


def mrr() -> list[tuple[str, int]]:
    """Monthly recurring revenue now: (currency, minor units), one per currency."""
    moment, later = now(), aliased(SubscriptionState)
    overtaken = select(later.id).where(
        later.subscription_id == SubscriptionState.subscription_id,
        later.at > SubscriptionState.at,
        later.at <= moment,
    )
    found = db.session.execute(
        select(SubscriptionState.currency, func.sum(SubscriptionState.mrr))
        .where(and_(SubscriptionState.at <= moment, SubscriptionState.mrr > 0))
        .where(~overtaken.exists())
        .group_by(SubscriptionState.currency)
        .order_by(SubscriptionState.currency)
    )
    return [(currency, int(amount)) for currency, amount in found]


def running_price_changes() -> Sequence[PriceChange]:
    """Prices that are being changed at this moment, with their plans."""
    return db.session.scalars(
        select(PriceChange)
        .options(joinedload(PriceChange.product))
        .where(PriceChange.status.in_(RUNNING_PRICE_CHANGES))
        .order_by(PriceChange.id.desc())
        .limit(SHOWN)
    ).all()


def recent_staff_actions() -> Sequence[AuditEntry]:
    """What staff last did, within a month."""
    staff = db.session.scalars(
        select(User.id).where(User.roles.any(Role.name.in_(STAFF_ROLES)))
    ).all()
    return db.session.scalars(
        select(AuditEntry)
        .options(joinedload(AuditEntry.user), joinedload(AuditEntry.account))
        .where(AuditEntry.user_id.in_(staff), AuditEntry.at >= now() - RECENT)
        .order_by(AuditEntry.at.desc(), AuditEntry.id.desc())
        .limit(SHOWN)
    ).all()

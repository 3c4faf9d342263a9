"""Accounts as a list shows them: plan, status, what each brings in a month, payment trouble."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from billing import mrr
from billing.pricing import Cadence, amount_for
from billing.search_index import OWED
from models import (
    Account,
    Invoice,
    Membership,
    Price,
    Subscription,
    SubscriptionItem,
    User,
    db,
)


@dataclass(frozen=True)
class Trouble:
    """An invoice to be paid that a payment was refused for; `amount` is what is left of it."""

    on: datetime | None
    amount: int
    currency: str


@dataclass(frozen=True)
class Row:
    """One account. `monthly` holds what its subscriptions bring in a month, by currency."""

    account: Account
    mail: str | None
    subscription: Subscription | None
    # Others that are not over.
    others: int
    monthly: tuple[tuple[int, str], ...]
    trouble: Trouble | None

    @property
    def is_customer_gone(self) -> bool:
        customer = self.account.customer
        return customer is not None and customer.deleted_at is not None

    @property
    def cadence(self) -> Cadence | None:
        price = self.subscription.price if self.subscription else None
        return Cadence.of(price) if price and price.is_recurring else None

    @property
    def price(self) -> int | None:
        """What the plan costs for one period, before discounts and tax; minor units."""
        s = self.subscription
        return amount_for(s.price, s.quantity, s.currency) if s and s.price else None

    @property
    def since(self) -> datetime:
        s = self.subscription
        return (s.start_date or s.created if s else None) or self.account.created_at


def of(accounts: Sequence[Account], now: datetime) -> list[Row]:
    """A row for each account, in their order, with as many queries for many as for one."""
    ids = [account.stripe_customer_id for account in accounts if account.stripe_customer_id]
    held = subscriptions(ids)
    troubles = _troubles(ids)
    mails = _mails([account.id for account in accounts])
    return [
        _row(account, held.get(account.stripe_customer_id or "", []), mails, troubles, now)
        for account in accounts
    ]


def subscriptions(customer_ids: Iterable[str]) -> dict[str, list[Subscription]]:
    """The customers' subscriptions, the newest first, with all that is asked of them."""
    found = db.session.scalars(
        select(Subscription)
        .options(
            joinedload(Subscription.items)
            .joinedload(SubscriptionItem.price)
            .joinedload(Price.product),
            joinedload(Subscription.customer),
        )
        .where(Subscription.customer_id.in_(customer_ids), Subscription.deleted_at.is_(None))
        .order_by(Subscription.created.desc(), Subscription.stripe_id.desc())
    ).unique()
    held: dict[str, list[Subscription]] = {}
    for each in found:
        held.setdefault(each.customer_id, []).append(each)
    return held


def _row(
    account: Account,
    held: list[Subscription],
    mails: dict[int, str],
    troubles: dict[str, Trouble],
    now: datetime,
) -> Row:
    live = [each for each in held if each.is_live]
    return Row(
        account=account,
        mail=mails.get(account.id),
        subscription=next(iter(live or held), None),
        others=max(len(live) - 1, 0),
        monthly=monthly(live, now),
        trouble=troubles.get(account.stripe_customer_id or ""),
    )


def monthly(held: Sequence[Subscription], now: datetime) -> tuple[tuple[int, str], ...]:
    """What subscriptions bring in a month: an amount for each currency, never summed over two."""
    amounts: dict[str, int] = {}
    for each in held:
        amounts[each.currency] = amounts.get(each.currency, 0) + mrr.of(each, now)
    return tuple(sorted((amount, code) for code, amount in amounts.items() if amount))


def _mails(account_ids: list[int]) -> dict[int, str]:
    """The address of each account's first owner, else of its first member."""
    found = db.session.execute(
        select(Membership.account_id, Membership.role, User.email)
        .join(User, User.id == Membership.user_id)
        .where(Membership.account_id.in_(account_ids))
        .order_by(Membership.account_id, Membership.id)
    ).all()
    mails: dict[int, str] = {}
    for account_id, _role, email in sorted(found, key=lambda row: row.role != "owner"):
        mails.setdefault(account_id, email)
    return mails


def _troubles(customer_ids: list[str]) -> dict[str, Trouble]:
    """The latest invoice of each customer that a payment was refused for and that is owed."""
    found = db.session.execute(
        select(
            Invoice.customer_id,
            Invoice.finalized_at,
            Invoice.created,
            Invoice.amount_remaining,
            Invoice.currency,
        )
        .where(
            Invoice.customer_id.in_(customer_ids),
            Invoice.status.in_(OWED),
            Invoice.attempt_count > 0,
            Invoice.amount_remaining > 0,
            Invoice.deleted_at.is_(None),
        )
        .order_by(Invoice.created)
    ).all()
    return {
        customer_id: Trouble(finalized_at or created, amount, currency)
        for customer_id, finalized_at, created, amount, currency in found
    }

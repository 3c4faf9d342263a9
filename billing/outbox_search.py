"""The outbox as staff look through it: the newest first, by kind, status or account."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from models import Account, OutboxEntry

STATUSES = ("pending", "claimed", "failed", "sent", "skipped")
# A number beyond it fits no database's integer.
LARGEST = 2**31 - 1


@dataclass(frozen=True)
class Filters:
    """What to look for; everything that is empty matches all.

    `account` is an account's number or its Stripe customer.
    """

    kind: str = ""
    status: str = ""
    account: str = ""

    @property
    def is_empty(self) -> bool:
        return self == Filters()


def newest_first(filters: Filters) -> Select[tuple[OutboxEntry]]:
    """The entries that match, with their accounts, for `paging.page`."""
    statement = select(OutboxEntry).options(joinedload(OutboxEntry.account))
    if filters.kind:
        statement = statement.where(OutboxEntry.kind == filters.kind)
    if filters.status:
        statement = statement.where(OutboxEntry.status == filters.status)
    if filters.account:
        statement = statement.where(OutboxEntry.account_id == _account(filters.account))
    return statement.order_by(OutboxEntry.id.desc())


def _account(named: str) -> object:
    if named.isascii() and named.isdigit():
        return min(int(named), LARGEST)
    of_customer = select(Account.id).where(Account.stripe_customer_id == named)
    return of_customer.scalar_subquery()

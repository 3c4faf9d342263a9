"""Who the subscribers of a list are, looked up for the page that is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from flask import abort

from billing.metrics.lists import Row
from models import Account, Customer, db

PAGE_SIZE = 50
BATCH = 500


@dataclass(frozen=True)
class Named:
    """A row with its account, if it has one here, and its name: the account's, else Stripe's."""

    row: Row
    account_number: int | None
    name: str


@dataclass(frozen=True)
class Page:
    """Rows `first` to `last` of `total`; the list was made whole to be added up, so it is cut."""

    rows: list[Named]
    number: int
    total: int

    @property
    def first(self) -> int:
        return (self.number - 1) * PAGE_SIZE + 1

    @property
    def last(self) -> int:
        return min(self.number * PAGE_SIZE, self.total)

    @property
    def has_more(self) -> bool:
        return self.last < self.total


def page(rows: Sequence[Row], number: int) -> Page:
    """The page of that number, from 1 on; 404 for one that is not there."""
    found = rows[(number - 1) * PAGE_SIZE : number * PAGE_SIZE] if number > 0 else []
    if not found and number != 1:
        abort(404)
    return Page(list(named(found)), number, len(rows))


def named(rows: Sequence[Row]) -> Iterator[Named]:
    """The rows with their names, looked up some at a time."""
    for start in range(0, len(rows), BATCH):
        some = rows[start : start + BATCH]
        ids = [row.customer_id for row in some]
        accounts = {
            customer_id: (number, name)
            for customer_id, number, name in db.session.execute(
                sa.select(Account.stripe_customer_id, Account.id, Account.name).where(
                    Account.stripe_customer_id.in_(ids)
                )
            )
        }
        customers = {
            stripe_id: name or email or stripe_id
            for stripe_id, name, email in db.session.execute(
                sa.select(Customer.stripe_id, Customer.name, Customer.email).where(
                    Customer.stripe_id.in_(ids)
                )
            )
        }
        for row in some:
            number, name = accounts.get(row.customer_id, (None, None))
            known = name or customers.get(row.customer_id) or row.customer_id
            yield Named(row, number, known)

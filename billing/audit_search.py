"""The audit log as staff read it: the newest first, by who, action, account or day."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from billing import money
from models import AuditEntry, User, db

# A number beyond it fits no database's integer.
LARGEST = 2**31 - 1
NOBODY = "nobody"
PEOPLE_AT_MOST = 20
# Names of minor units, where a currency stands beside them.
AMOUNT = re.compile(r"(\w+_)?(amount|balance|total)(_(due|paid|remaining))?")


@dataclass(frozen=True)
class Filters:
    """What to look for; everything that is empty matches all. The day is UTC.

    `who` is the beginning of an e-mail address, or "nobody": commands, tasks and webhooks.
    `account` is an account's number.
    """

    who: str = ""
    action: str = ""
    account: str = ""
    day: date | None = None

    @property
    def is_empty(self) -> bool:
        return self == Filters()


@dataclass(frozen=True)
class Change:
    """One value that differs; None is one that was not there."""

    name: str
    before: object
    after: object


def newest_first(filters: Filters) -> Select[tuple[AuditEntry]]:
    """The entries that match, with their people and accounts, for `paging.page`."""
    statement = select(AuditEntry).options(
        joinedload(AuditEntry.user), joinedload(AuditEntry.account)
    )
    if filters.who == NOBODY:
        statement = statement.where(AuditEntry.user_id.is_(None))
    elif filters.who:
        statement = statement.where(AuditEntry.user_id.in_(_people(filters.who)))
    if filters.action:
        statement = statement.where(AuditEntry.action == filters.action)
    if filters.account:
        statement = statement.where(AuditEntry.account_id == min(int(filters.account), LARGEST))
    if filters.day:
        first, last = (datetime.combine(filters.day, at, UTC) for at in (time.min, time.max))
        statement = statement.where(AuditEntry.at.between(first, last))
    return statement.order_by(AuditEntry.at.desc(), AuditEntry.id.desc())


def actions() -> Sequence[str]:
    """Every action that was ever recorded, in order, without reading every entry."""
    # Each step asks the index for the next one after the last.
    found = select(func.min(AuditEntry.action).label("action")).cte("found", recursive=True)
    following = select(func.min(AuditEntry.action)).where(AuditEntry.action > found.c.action)
    steps = found.union_all(select(following.scalar_subquery()).where(found.c.action.is_not(None)))
    return db.session.scalars(select(steps.c.action).where(steps.c.action.is_not(None))).all()


def changes(entry: AuditEntry) -> list[Change]:
    """What differs between before and after, nested values by their path ("address.city")."""
    before, after = _flat(entry.before), _flat(entry.after)
    return [
        Change(name, before.get(name), after.get(name))
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    ]


def unchanged(entry: AuditEntry) -> dict[str, object]:
    """What both sides say alike: what the entry is about, rather than what changed."""
    before, after = _flat(entry.before), _flat(entry.after)
    return {name: value for name, value in before.items() if after.get(name) == value}


def _people(who: str) -> list[int]:
    found = select(User.id).where(User.email.istartswith(who, autoescape=True))
    return list(db.session.scalars(found.order_by(User.email).limit(PEOPLE_AT_MOST)))


def _flat(values: dict[str, object] | None, under: str = "") -> dict[str, object]:
    """Nested values by their path; amounts beside or under a currency are written out in it."""
    flat: dict[str, object] = {}
    by_currency = under.endswith("amounts.")
    beside = (values or {}).get("currency")
    for name, value in (values or {}).items():
        currency = name if by_currency else beside
        if isinstance(value, dict) and value:
            flat.update(_flat(value, f"{under}{name}."))
        elif (
            isinstance(currency, str)
            and type(value) is int
            and (by_currency or AMOUNT.fullmatch(name))
        ):
            flat[f"{under}{name}"] = money.text(value, currency)
        else:
            flat[f"{under}{name}"] = value
    return flat

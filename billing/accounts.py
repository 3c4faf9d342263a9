"""Accounts: opening one, naming it, and which of them a person may act for."""

from __future__ import annotations

from collections.abc import Sequence

from flask import g, session
from sqlalchemy import select

from billing.audit import record
from billing.clock import now
from models import Account, Membership, User, db


def open_for(user: User, name: str) -> Account:
    """A new account that `user` owns; joins the current transaction."""
    account = Account(name=name, created_at=now())
    account.memberships.append(Membership(user=user, role="owner", created_at=now()))
    db.session.add(account)
    db.session.flush()
    entry = record(
        "account.opened",
        f"account:{account.id}",
        after={"name": name, "owner": user.email},
        account_id=account.id,
    )
    entry.user_id = user.id
    return account


def rename(account: Account, name: str) -> None:
    """Gives the account another name; commits."""
    before, account.name = account.name, name
    record(
        "account.renamed",
        f"account:{account.id}",
        before={"name": before},
        after={"name": name},
        account_id=account.id,
    )
    db.session.commit()


def memberships_of(user: User) -> Sequence[Membership]:
    """Every membership of the person, oldest first."""
    return db.session.scalars(
        select(Membership).where(Membership.user_id == user.id).order_by(Membership.id)
    ).all()


def switch_to(user: User, account_id: int) -> Account | None:
    """Makes this account the one that the session acts for; None when it is not the user's."""
    account = next((m.account for m in memberships_of(user) if m.account_id == account_id), None)
    if account is not None:
        session["account_id"] = account.id
        g.pop("account", None)
    return account


def matching(text: str) -> Sequence[Account]:
    """The accounts that an operator's `text` names: by id, by Stripe customer, or by name."""
    if text.isascii() and text.isdigit():
        return db.session.scalars(select(Account).where(Account.id == int(text))).all()
    return db.session.scalars(
        select(Account)
        .where((Account.stripe_customer_id == text) | (Account.name == text))
        .order_by(Account.id)
    ).all()

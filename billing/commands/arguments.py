"""What the commands' arguments name, looked up, or refused in a sentence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click
from sqlalchemy import select

from billing import accounts
from models import Account, Product, User, db


def account(text: str) -> Account:
    """The one account of that id, Stripe customer or name; raises BadParameter."""
    found = accounts.matching(text)
    if not found:
        raise click.BadParameter(f"No account is called {text!r}.", param_hint="ACCOUNT")
    if len(found) > 1:
        ids = ", ".join(str(one.id) for one in found)
        raise click.BadParameter(
            f"Several accounts are called {text!r}; name one by its id: {ids}.",
            param_hint="ACCOUNT",
        )
    return found[0]


def plan(slug: str | None) -> Product | None:
    """The plan of that slug, on offer or not; None for none asked; raises BadParameter."""
    if slug is None:
        return None
    found = db.session.scalars(
        select(Product)
        .where(Product.slug == slug, Product.deleted_at.is_(None))
        .order_by(Product.active.desc(), Product.created.desc())
    ).first()
    if found is None:
        raise click.BadParameter(f"No plan has the slug {slug!r}.", param_hint="--plan")
    return found


def staff(email: str | None) -> User | None:
    """The staff of that address; None for none named; raises BadParameter."""
    if email is None:
        return None
    found = db.session.scalar(select(User).where(User.email == email.strip().lower()))
    if found is None or not found.is_staff:
        raise click.BadParameter(f"{email} is not staff.", param_hint="--by")
    return found


def end_of(day: datetime) -> datetime:
    """The moment after a day named without a zone, in UTC, so that the day itself counts."""
    return (day + timedelta(days=1)).replace(tzinfo=UTC)


def start_of(day: datetime) -> datetime:
    """The first moment of a day named without a zone, in UTC."""
    return day.replace(tzinfo=UTC)

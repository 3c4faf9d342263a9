"""Who may do what: the signed-in account, roles, and lookups that cannot leave the account."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import abort, flash, g, redirect, session, url_for
from flask_login import current_user
from flask_security import auth_required
from sqlalchemy import select
from werkzeug.local import LocalProxy

from billing import customer_view
from models import STAFF_ROLES, Account, Invoice, Membership, Mirrored, User, db

View = TypeVar("View", bound=Callable[..., Any])
Row = TypeVar("Row", bound=Mirrored)


def _account() -> Account | None:
    """The account the signed-in user acts for: the one switched to, else the first joined.

    For staff looking at the portal as a customer, that customer's.
    """
    if "account" not in g:
        g.account = _find_account() if current_user.is_authenticated else None
    return g.account


def _find_account() -> Account | None:
    view = customer_view.current()
    if view is not None:
        return view.account
    found = db.session.scalars(
        select(Account)
        .join(Membership)
        .where(Membership.user_id == current_user.id)
        .order_by(Membership.id)
    ).all()
    chosen = session.get("account_id")
    return next((a for a in found if a.id == chosen), found[0] if found else None)


current_account: Account = LocalProxy(_account)  # type: ignore[assignment]


def current_role() -> str | None:
    """The signed-in user's role in the current account, or None; an owner's while staff look."""
    account = _account()
    if account is not None and customer_view.current() is not None:
        return "owner"
    return account.role_of(current_user) if account else None


def reader() -> User:
    """Whose page it is: who is signed in, or the owner whom staff look at the portal as."""
    found: User = customer_view.viewed_as() or current_user._get_current_object()
    return found


def member_required(*roles: str) -> Callable[[View], View]:
    """Lets in members of the current account, only those with one of `roles` when any is named.

    An anonymous visitor is sent to sign in; a member without the role gets 403. Someone who
    left their last account is sent to their settings, where they can open another.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        @auth_required("session")
        def guarded(*args: Any, **kwargs: Any) -> Any:
            role = current_role()
            if role is None and not current_user.is_staff:
                flash("You belong to no account. Open one, or ask for an invitation.", "info")
                return redirect(url_for("account_settings.show"))
            if role is None or (roles and role not in roles):
                abort(403)
            return view(*args, **kwargs)

        guarded.requires = ("member", roles)  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return decorate


def staff_required(*roles: str) -> Callable[[View], View]:
    """Lets in staff, only those with one of `roles` when any is named; others get 403."""

    def decorate(view: View) -> View:
        @wraps(view)
        @auth_required("session")
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if not holds_role(*(roles or STAFF_ROLES)):
                abort(403)
            return view(*args, **kwargs)

        guarded.requires = ("staff", roles)  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return decorate


def holds_role(*roles: str) -> bool:
    """Whether the signed-in person holds one of these staff roles."""
    if not current_user.is_authenticated:
        return False
    return bool({role.name for role in current_user.roles} & set(roles))


def owned_or_404(kind: type[Row], stripe_id: str) -> Row:
    """The mirrored row, when it belongs to the current account's customer; else 404.

    Another account's id and an id that never existed look the same from outside.
    """
    account = _account()
    if account is None or account.stripe_customer_id is None:
        abort(404)
    row = db.session.scalar(
        select(kind).where(
            kind.stripe_id == stripe_id,
            kind.customer_id == account.stripe_customer_id,  # type: ignore[attr-defined]
            kind.deleted_at.is_(None),
        )
    )
    if row is None:
        abort(404)
    return row


def account_or_404(account_number: int) -> Account:
    """Any account, for staff."""
    return db.session.get(Account, account_number) or abort(404)


def any_invoice_or_404(stripe_id: str) -> tuple[Invoice, Account]:
    """Any account's invoice, for staff; 404 for one that is nobody's here."""
    invoice = db.session.get(Invoice, stripe_id)
    if invoice is None or invoice.deleted_at is not None:
        abort(404)
    account = db.session.scalar(
        select(Account).where(Account.stripe_customer_id == invoice.customer_id)
    )
    if account is None:
        abort(404)
    return invoice, account

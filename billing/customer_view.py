"""Looking at the portal as a customer: one account's pages as its owner sees them, read-only.

A view belongs to the browser session and the person that began it, ends by itself after a quarter
of an hour of the machine's time, and is over for good once it ended, whatever a browser still
holds. While it runs, `billing.authorization` gives the viewed account to every page.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask import g, has_request_context, session
from flask_login import current_user, user_logged_out
from sqlalchemy import select, update

from billing import audit
from billing.clock import machine_now
from models import Account, CustomerView, Membership, User, db

LASTS = timedelta(minutes=15)
# Who may look; billing.authorization asks at each request, so a role taken away ends it.
ROLES = ("admin", "support")
KEY = "customer_view"
AT_ONCE = 200
# What a page may have kept in the session for the account it showed.
OF_AN_ACCOUNT = ("promotion_code", "cancellation_shown_at", "csrf_token")


def current() -> CustomerView | None:
    """The running view of this session; None where nobody is looking."""
    if not has_request_context():
        return None
    if "customer_view" not in g:
        g.customer_view = _running()
    found: CustomerView | None = g.customer_view
    return found


def viewed_as() -> User | None:
    """Whose pages they are: the viewed account's first owner; None where nobody is looking."""
    membership = viewed_membership()
    return membership.user if membership else None


def viewed_membership() -> Membership | None:
    """The first owner's membership of the viewed account, else its first member's."""
    view = current()
    if view is None:
        return None
    held = sorted(view.account.memberships, key=lambda each: (each.role != "owner", each.id))
    return held[0] if held else None


def start(account: Account, user: User) -> CustomerView:
    """Begins looking at the account's pages, ending a view that runs already; commits."""
    end("another view began")
    moment = machine_now()
    view = CustomerView(
        user_id=user.id, account_id=account.id, started_at=moment, ends_at=moment + LASTS
    )
    db.session.add(view)
    db.session.flush()
    audit.record(
        "customer_view.started",
        f"customer_view:{view.id}",
        after={"until": view.ends_at.isoformat(timespec="seconds")},
        account_id=account.id,
    )
    db.session.commit()
    _forget_pages()
    session[KEY] = view.id
    g.pop("customer_view", None)
    return view


def end(why: str) -> CustomerView | None:
    """Ends this session's view, run out or not, and gives it; None where there is none; commits."""
    view = _of_session()
    session.pop(KEY, None)
    _forget_pages()
    g.customer_view = None
    if view is None:
        return None
    _end(view, why)
    db.session.commit()
    return view


def ran_out() -> CustomerView | None:
    """The view that this session holds though it is over; None when none does."""
    return _of_session() if KEY in session and current() is None else None


def end_those_over() -> int:
    """Notes the end of views that ran out while nobody looked; how many."""
    over = db.session.scalars(
        select(CustomerView)
        .where(CustomerView.ended_at.is_(None), CustomerView.ends_at <= machine_now())
        .order_by(CustomerView.ends_at)
        .limit(AT_ONCE)
    ).all()
    for view in over:
        _end(view, "time")
    db.session.commit()
    return len(over)


@user_logged_out.connect
def end_with_session(_app: Any, **_more: Any) -> None:
    """Signing out ends it too."""
    if has_request_context() and KEY in session:
        end("signed out")


def _running() -> CustomerView | None:
    view = _of_session()
    if view is None or not view.is_running(machine_now()):
        return None
    held = {role.name for role in current_user.roles}
    return view if held & set(ROLES) else None


def _of_session() -> CustomerView | None:
    """The view that this session began, for who is signed in; a foreign one is nobody's."""
    held = session.get(KEY)
    if not isinstance(held, int) or not current_user.is_authenticated:
        return None
    view = db.session.get(CustomerView, held)
    return view if view is not None and view.user_id == current_user.id else None


def _end(view: CustomerView, why: str) -> None:
    """Once, also where two requests end it."""
    moment: datetime = min(machine_now(), view.ends_at)
    ended = db.session.execute(
        update(CustomerView)
        .where(CustomerView.id == view.id, CustomerView.ended_at.is_(None))
        .values(ended_at=moment)
    )
    if ended.rowcount:
        entry = audit.record(
            "customer_view.ended",
            f"customer_view:{view.id}",
            after={"why": "time" if moment == view.ends_at else why, "at": moment.isoformat()},
            account_id=view.account_id,
        )
        entry.user_id = view.user_id


def _forget_pages() -> None:
    """Forms of another account's pages, left open in a tab, are valid no more."""
    for name in OF_AN_ACCOUNT:
        session.pop(name, None)
    g.pop("csrf_token", None)
    g.pop("account", None)

"""The members of an account: their roles, leaving, and the owner that must remain.

Every change first takes the account's row for itself, then reads: two owners who demote each
other at once do so one after the other, and the second is refused.
"""

from __future__ import annotations

from sqlalchemy import func, select, update

from billing.audit import record
from billing.errors import Refused
from models import Account, Membership, db

LAST_OWNER = (
    "An account needs an owner, and this is the last one. Make someone else an owner first. "
    "Nothing was changed."
)
GONE = "This person is not a member any more. Nothing was changed."
LOST = "You are not an owner of this account any more. Nothing was changed."


def change_role(membership: Membership, role: str, *, by: Membership) -> None:
    """Gives the member another role; commits. Raises Refused for the last owner."""
    membership = _held(membership, by)
    if membership.role == role:
        db.session.rollback()
        return
    if role != "owner":
        _refuse_for_last_owner(membership)
    before, membership.role = membership.role, role
    record(
        "member.role_changed",
        _subject(membership),
        before={"member": membership.user.email, "role": before},
        after={"member": membership.user.email, "role": role},
        account_id=membership.account_id,
    )
    db.session.commit()


def remove(membership: Membership, *, by: Membership) -> None:
    """Takes the member out of the account; commits. Raises Refused for the last owner."""
    membership = _held(membership, by)
    _take_out(membership, "member.removed")


def leave(membership: Membership) -> None:
    """The member goes; commits. Raises Refused for the last owner."""
    membership = _held(membership, membership)
    _take_out(membership, "member.left")


def _take_out(membership: Membership, action: str) -> None:
    _refuse_for_last_owner(membership)
    record(
        action,
        _subject(membership),
        before={"member": membership.user.email, "role": membership.role},
        account_id=membership.account_id,
    )
    db.session.delete(membership)
    db.session.commit()


def _held(membership: Membership, by: Membership) -> Membership:
    """The membership as it is now, with its account's row held until the transaction ends.

    An update that changes nothing takes the row on PostgreSQL and the write lock on SQLite.
    Raises Refused when the member went meanwhile, or when `by` may not do this any more.
    """
    hold_account(membership.account_id)
    actor = _fresh(by.id)
    if actor is None or (actor.id != membership.id and actor.role != "owner"):
        raise Refused(LOST)
    fresh = _fresh(membership.id)
    if fresh is None:
        raise Refused(GONE)
    return fresh


def hold_account(account_id: int) -> None:
    """Until the transaction ends, nobody else changes who belongs to this account."""
    db.session.execute(
        update(Account).where(Account.id == account_id).values(name=Account.name),
        execution_options={"synchronize_session": False},
    )


def _fresh(membership_id: int) -> Membership | None:
    return db.session.scalar(
        select(Membership)
        .where(Membership.id == membership_id)
        .execution_options(populate_existing=True)
    )


def _refuse_for_last_owner(membership: Membership) -> None:
    if membership.role != "owner":
        return
    owners = db.session.scalar(
        select(func.count())
        .select_from(Membership)
        .where(Membership.account_id == membership.account_id, Membership.role == "owner")
    )
    if owners == 1:
        raise Refused(LAST_OWNER)


def _subject(membership: Membership) -> str:
    return f"user:{membership.user_id}"

"""Invitations by mail to join an account.

The mail carries a signed token that names the invitation's row; the row says whether it still
stands, so that one link works once, for seven days, and only for the address it was sent to.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from flask import current_app, url_for
from flask_security import hash_password
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from billing import mails
from billing.audit import record
from billing.clock import now
from billing.errors import Refused
from billing.extensions import security
from billing.members import hold_account
from models import Account, AuditEntry, Invitation, Membership, User, db

VALID_FOR = timedelta(days=7)


class AlreadyThere(Exception):
    """The address belongs to a member or was invited before; the message says which."""


class InvitationClosed(Refused):
    """The invitation was used, withdrawn, or is too old."""

    status = 410
    title = "This invitation is no longer open"


def pending(account: Account) -> Sequence[Invitation]:
    """Invitations that were neither accepted nor withdrawn, expired ones too, newest first."""
    return db.session.scalars(
        select(Invitation)
        .where(
            Invitation.account_id == account.id,
            Invitation.accepted_at.is_(None),
            Invitation.revoked_at.is_(None),
        )
        .order_by(Invitation.created_at.desc(), Invitation.id.desc())
    ).all()


def invite(account: Account, email: str, role: str, by: User) -> Invitation:
    """Stores an invitation for `email`, commits, and mails it.

    Raises AlreadyThere; and mails.MailNotSent, with the invitation stored, so that it can be
    sent again.
    """
    email = email.casefold()
    if any(m.user.email.casefold() == email for m in account.memberships):
        raise AlreadyThere(f"{email} is a member of {account.name} already.")
    known = next((i for i in pending(account) if i.email == email), None)
    if known is not None and known.is_open(now()):
        raise AlreadyThere(
            f"{email} has an open invitation already. You can send it again under Invited."
        )
    invitation = known or Invitation(account_id=account.id, email=email)
    invitation.role = role
    invitation.invited_by_id = by.id
    invitation.created_at = now()
    invitation.expires_at = now() + VALID_FOR
    db.session.add(invitation)
    try:
        db.session.flush()
    except IntegrityError as error:
        # Another tab invited the same address in between.
        db.session.rollback()
        raise AlreadyThere(f"{email} has an open invitation already.") from error
    _record("invitation.sent", invitation)
    db.session.commit()
    _mail(invitation)
    return invitation


def resend(invitation: Invitation) -> None:
    """Mails the invitation again and starts its seven days anew. Raises mails.MailNotSent."""
    _still_pending(invitation)
    invitation.expires_at = now() + VALID_FOR
    _record("invitation.resent", invitation)
    db.session.commit()
    _mail(invitation)


def revoke(invitation: Invitation) -> None:
    """Withdraws the invitation: its link opens nothing any more; commits."""
    _still_pending(invitation)
    invitation.revoked_at = now()
    _record("invitation.revoked", invitation)
    db.session.commit()


def token(invitation: Invitation) -> str:
    return _signer().dumps(invitation.id)


def find(value: str) -> Invitation | None:
    """The invitation that this token names, open or not; None for a token we did not make."""
    try:
        invitation_id = _signer().loads(value)
    except BadSignature:
        return None
    return db.session.get(Invitation, invitation_id)


def invited_user(invitation: Invitation) -> User | None:
    """The person who can sign in with the invited address.

    Someone who registered it but never confirmed it does not count: that may have been a
    stranger, whose password must not open what was sent to this mailbox.
    """
    user = _user(invitation)
    return user if user is not None and user.confirmed_at is not None else None


def accept(invitation: Invitation, user: User) -> Membership:
    """The signed-in person joins; commits. Raises Refused and InvitationClosed."""
    if user.email.casefold() != invitation.email:
        raise Refused(
            f"This invitation was sent to {invitation.email}, and you are signed in as "
            f"{user.email}. Nothing was changed."
        )
    _hold_open(invitation)
    return _join(invitation, user)


def register(invitation: Invitation, name: str, password: str) -> User:
    """A new person joins; the link in the mail confirmed their address. Commits.

    Raises InvitationClosed, and Refused when the address can sign in already.
    """
    _hold_open(invitation)
    if invited_user(invitation) is not None:
        raise Refused("There is an account with this address already. Sign in to accept.")
    user = _user(invitation)
    datastore = security.datastore
    hashed = hash_password(password)
    if user is None:
        user = datastore.create_user(email=invitation.email, name=name, password=hashed)
    else:
        user.name, user.password = name, hashed
        datastore.set_uniquifier(user)
    user.confirmed_at = security.datetime_factory()
    db.session.flush()
    _join(invitation, user)
    return user


def _hold_open(invitation: Invitation) -> None:
    """Two answers to one invitation wait for each other; the second finds it closed."""
    hold_account(invitation.account_id)
    db.session.refresh(invitation)
    check_open(invitation)


def _join(invitation: Invitation, user: User) -> Membership:
    membership = db.session.scalar(
        select(Membership).where(
            Membership.account_id == invitation.account_id, Membership.user_id == user.id
        )
    )
    if membership is None:
        membership = Membership(
            account_id=invitation.account_id,
            user_id=user.id,
            role=invitation.role,
            created_at=now(),
        )
        db.session.add(membership)
    invitation.accepted_at = now()
    entry = _record("invitation.accepted", invitation)
    entry.user_id = user.id
    db.session.commit()
    return membership


def check_open(invitation: Invitation) -> None:
    """Raises InvitationClosed with the reason when the invitation does not stand any more."""
    if invitation.is_open(now()):
        return
    if invitation.accepted_at is not None:
        raise InvitationClosed("It was accepted before. Sign in to open the account.")
    if invitation.revoked_at is not None:
        raise InvitationClosed("It was withdrawn. Ask whoever invited you for a new one.")
    raise InvitationClosed(
        "It was open for seven days. Ask whoever invited you to send it again; "
        "the same link works then."
    )


def _still_pending(invitation: Invitation) -> None:
    if invitation.accepted_at is not None:
        raise Refused(f"{invitation.email} has accepted in the meantime. Nothing was changed.")
    if invitation.revoked_at is not None:
        raise Refused("This invitation was withdrawn in the meantime. Nothing was changed.")


def _user(invitation: Invitation) -> User | None:
    return db.session.scalar(select(User).where(func.lower(User.email) == invitation.email))


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or "", salt="invitation")


def _mail(invitation: Invitation) -> None:
    brand = current_app.config["SETTINGS"].brand.name
    mails.send(
        invitation.email,
        f"Join {invitation.account.name} on {brand}",
        "invitation",
        invitation=invitation,
        link=url_for("invitations.show", token=token(invitation), _external=True),
    )


def _record(action: str, invitation: Invitation) -> AuditEntry:
    return record(
        action,
        f"invitation:{invitation.id}",
        after={"email": invitation.email, "role": invitation.role},
        account_id=invitation.account_id,
    )

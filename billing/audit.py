"""The audit log: who did what, when, from where, and what it changed."""

from __future__ import annotations

from typing import Any

from flask import g, has_request_context, request
from flask_login import current_user
from sqlalchemy import select

from billing.clock import now
from models import AuditEntry, db


def record(
    action: str,
    subject: str | None = None,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    account_id: int | None = None,
) -> AuditEntry:
    """Adds an entry to the current transaction, so that it stands exactly if the change does.

    `action` is noun.verb ("member.removed"), `subject` names the thing by id. Secrets and card
    data never go into `before` or `after`.
    """
    entry = AuditEntry(
        at=now(), action=action, subject=subject, before=before, after=after, account_id=account_id
    )
    if has_request_context():
        entry.ip = request.remote_addr
        if current_user.is_authenticated:
            entry.user_id = current_user.id
        account = g.get("account")
        if account_id is None and account is not None:
            entry.account_id = account.id
    db.session.add(entry)
    return entry


def record_once(action: str, subject: str, *, after: dict[str, Any]) -> None:
    """As `record`, for what is made once: nothing when it was noted already.

    A request whose answer was lost is sent again, and then finds what the first one made.
    """
    noted = select(AuditEntry.id).where(AuditEntry.action == action, AuditEntry.subject == subject)
    if db.session.scalar(noted.limit(1)) is None:
        record(action, subject, after=after)

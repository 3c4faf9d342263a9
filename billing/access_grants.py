"""Access that staff give an account until a day, beside what its subscription gives: audited."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from billing import access_history, audit
from billing.clock import now
from billing.errors import Refused
from models import ACCESS_LEVELS, AccessGrant, Account, Product, User, db

# A grant of nothing would take away what the account paid for, which is no grant.
GRANTABLE = ACCESS_LEVELS[1:]


def grant(
    account: Account,
    *,
    level: str,
    ends_at: datetime,
    reason: str,
    plan: Product | None = None,
    starts_at: datetime | None = None,
    by: User | None = None,
) -> AccessGrant:
    """Gives `level` ("full" or "read_only") from `starts_at`, now by default; commits.

    `plan` is the one it is for, None for the account's own. Raises Refused when it would be over
    before it begins, and ValueError for a level that cannot be granted.
    """
    if level not in GRANTABLE:
        raise ValueError(level)
    begins = starts_at or now()
    if ends_at <= max(begins, now()):
        raise Refused("The grant would be over before it begins. Nothing was granted.")
    row = AccessGrant(
        account_id=account.id,
        level=level,
        product_id=plan.stripe_id if plan else None,
        reason=reason,
        starts_at=begins,
        ends_at=ends_at,
        granted_by_id=by.id if by else None,
        created_at=now(),
    )
    db.session.add(row)
    db.session.flush()
    _audit("access.granted", row, after=_told(row), by=by)
    access_history.record(account)
    db.session.commit()
    return row


def revoke(grants: Sequence[AccessGrant], *, by: User | None = None) -> None:
    """Ends these grants now; one that is revoked already stays as it is; commits."""
    for row in grants:
        if row.revoked_at is not None:
            continue
        row.revoked_at, row.revoked_by_id = now(), by.id if by else None
        db.session.flush()
        _audit("access.revoked", row, before=_told(row), by=by)
        access_history.record(row.account)
    db.session.commit()


def not_over(account: Account) -> list[AccessGrant]:
    """The account's grants in force or to come, the one that ends first at the front."""
    found = db.session.scalars(
        select(AccessGrant)
        .where(AccessGrant.account_id == account.id, AccessGrant.revoked_at.is_(None))
        .order_by(AccessGrant.ends_at, AccessGrant.id)
    )
    return [row for row in found if row.ends_at > now()]


def _audit(action: str, row: AccessGrant, *, by: User | None, **what: dict[str, Any]) -> None:
    entry = audit.record(action, f"access_grant:{row.id}", account_id=row.account_id, **what)
    entry.user_id = by.id if by else entry.user_id


def _told(row: AccessGrant) -> dict[str, Any]:
    return {
        "level": row.level,
        "plan": row.product_id,
        "reason": row.reason,
        "from": row.starts_at.isoformat(),
        "until": row.ends_at.isoformat(),
    }

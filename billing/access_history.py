"""The history of access: each change of an account's decision, as it became known."""

from __future__ import annotations

import logging

from sqlalchemy import select

from billing import audit, clock, sync
from billing.access import UNKNOWN_STATUS, Decision, decide
from models import AccessDecision, Account, db

log = logging.getLogger(__name__)

# The mirrored kinds that a decision rests on, with the column that names the customer.
CAUSES = {"customer": "stripe_id", "subscription": "customer_id", "invoice": "customer_id"}


def record(account: Account) -> Decision:
    """Decides now, and adds the decision to the current transaction if it differs from the last.

    A status that the portal does not know is reported once: to the log and the audit log.
    """
    moment = clock.now()
    decision = decide(account, moment)
    row = _row(account, decision)
    if _facts(row) != _facts(AccessDecision.last_of(account)):
        row.at = moment
        db.session.add(row)
        if decision.rule == UNKNOWN_STATUS:
            _alert(account, decision)
    return decision


def of(account: Account, *, limit: int = 20) -> list[AccessDecision]:
    """The latest changes of what the account may use, the newest first."""
    return list(
        db.session.scalars(
            select(AccessDecision)
            .where(AccessDecision.account_id == account.id)
            .order_by(AccessDecision.id.desc())
            .limit(limit)
        )
    )


@sync.observer
def record_change(written: sync.Written) -> None:
    """Decides anew for the account that a mirrored object belongs to."""
    column = CAUSES.get(written.kind)
    if column is None or (written.in_bulk and not _tells_in_bulk(written)):
        return
    customer_id = getattr(written.row, column)
    account = db.session.scalar(select(Account).where(Account.stripe_customer_id == customer_id))
    if account is not None:
        record(account)


def _tells_in_bulk(written: sync.Written) -> bool:
    """A backfill brings subscriptions first; of their invoices, those that are owed tell more."""
    return written.kind == "subscription" or (written.kind == "invoice" and written.row.can_be_paid)


def _row(account: Account, decision: Decision) -> AccessDecision:
    return AccessDecision(
        account_id=account.id,
        level=decision.level,
        rule=decision.rule,
        because=decision.because,
        object_kind=decision.kind,
        object_id=decision.object_id,
        since=decision.since,
        until=decision.until,
        level_after=decision.level_after,
        product_id=decision.plan.stripe_id if decision.plan else None,
        seats=decision.seats,
    )


def _facts(row: AccessDecision | None) -> tuple[object, ...] | None:
    """What makes two decisions differ. Not the sentence, which is written in a reader's way."""
    if row is None:
        return None
    return (
        row.level,
        row.rule,
        row.object_kind,
        row.object_id,
        row.until,
        row.level_after,
        row.product_id,
        row.seats,
    )


def _alert(account: Account, decision: Decision) -> None:
    log.critical("account %s: %s", account.id, decision.because)
    audit.record(
        "access.status_unknown",
        decision.object_id,
        after={"level": decision.level, "because": decision.because},
        account_id=account.id,
    )

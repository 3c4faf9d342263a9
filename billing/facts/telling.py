"""What every fact has in common: who it concerns, whether it is news, and the way to the outbox."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from billing import outbox, sync
from billing.clock import now
from billing.sync import Written
from models import Account, db

# Stripe redelivers webhooks for three days, so what is older than this reached us another way.
LONG_PAST = timedelta(days=4)


def observes(kind: str) -> Callable[[Callable[[Written], None]], Callable[[Written], None]]:
    """Registers what looks at each write of a kind, but for backfills and deleted objects."""

    def register(function: Callable[[Written], None]) -> Callable[[Written], None]:
        @sync.observer
        def look(written: Written) -> None:
            if written.kind == kind and not written.in_bulk and written.row.deleted_at is None:
                function(written)

        return function

    return register


def is_recent(at: datetime | None) -> bool:
    """Whether something that happened at `at` is still news."""
    return at is not None and now() - at <= LONG_PAST


def tell(
    kind: str, key: str, customer_id: str | None, not_before: datetime | None = None, **payload: Any
) -> None:
    """Puts a fact about a customer into the outbox; nothing for who is no account of ours."""
    account_id = db.session.scalar(
        select(Account.id).where(Account.stripe_customer_id == customer_id)
    )
    if customer_id is not None and account_id is not None:
        outbox.put(kind, key, account_id=account_id, not_before=not_before, **payload)

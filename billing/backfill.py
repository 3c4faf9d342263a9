"""Bringing everything Stripe has into the mirror: at the start, and after a long silence.

The work is cut into pages; after each one the place is noted, so that a stop in the middle costs
one page. When a kind's list is through, what the mirror holds of it and the list did not show is
pulled by itself: what is gone becomes a tombstone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import sqlalchemy as sa

from billing import sync
from billing.clock import now
from billing.errors import GoneFromStripe
from billing.sync.kinds import KINDS
from models import Customer, PaymentIntent, PaymentMethod, Purchase, SyncProgress, db

# What others refer to comes first, so that little is pulled one by one.
ORDER = (
    "product",
    "price",
    "customer",
    "payment_method",
    "subscription",
    "subscription_schedule",
    "invoice",
    "refund",
    "credit_note",
    "coupon",
    "promotion_code",
    "payment_intent",
)
Report = Callable[[str, int], None]


def run(report: Report, *, restart: bool = False) -> dict[str, int]:
    """Pulls everything; how many objects of each kind.

    Goes on where an earlier run stopped, unless that run was finished or `restart` is set.
    `report(kind, count)` is called after every page with the number of objects it held.
    """
    rows = {row.kind: row for row in db.session.scalars(sa.select(SyncProgress))}
    if restart or all(kind in rows and rows[kind].finished_at for kind in ORDER):
        db.session.execute(sa.update(SyncProgress).values(last_id=None, pulled=0, finished_at=None))
        db.session.commit()
    for kind in ORDER:
        progress = db.session.get(SyncProgress, kind)
        if progress is None:
            progress = SyncProgress(kind=kind, started_at=now(), pulled=0)
            db.session.add(progress)
            db.session.commit()
        if progress.finished_at is None:
            if progress.last_id is None:
                progress.started_at = now()
            _pull_kind(kind, progress, report)
    return {row.kind: row.pulled for row in db.session.scalars(sa.select(SyncProgress))}


def _pull_kind(kind: str, progress: SyncProgress, report: Report) -> None:
    if kind == "payment_method":
        _pull_payment_methods(progress, report)
    elif kind == "payment_intent":
        _pull_purchases(progress, report)
    else:
        _pull_list(kind, progress, report)
    _pull_unlisted(kind, progress, report)
    progress.finished_at = progress.completed_at = now()
    db.session.commit()


def _pull_list(kind: str, progress: SyncProgress, report: Report) -> None:
    more = True
    while more:
        fetch = partial(KINDS[kind].gateway.page, starting_after=progress.last_id)
        try:
            page = sync.pull_page(kind, fetch)
        except GoneFromStripe:
            # The object we stopped at was deleted meanwhile; Stripe cannot go on after it.
            if progress.last_id is None:
                raise
            progress.last_id = None
            db.session.commit()
            continue
        more = page.has_more and bool(page.data)
        _advance(progress, page.data[-1]["id"] if page.data else progress.last_id, len(page.data))
        report(kind, len(page.data))


def _pull_payment_methods(progress: SyncProgress, report: Report) -> None:
    """Stripe lists payment methods per customer only; the place is the last customer done."""
    while customer := db.session.scalar(
        sa.select(Customer.stripe_id)
        .where(Customer.deleted_at.is_(None), Customer.stripe_id > (progress.last_id or ""))
        .order_by(Customer.stripe_id)
        .limit(1)
    ):
        count = _pull_methods_of(customer)
        _advance(progress, customer, count)
        report("payment_method", count)


def _pull_purchases(progress: SyncProgress, report: Report) -> None:
    """Stripe's list of payment intents does not tell which are invoices'; our purchases do."""
    held = sa.exists().where(PaymentIntent.stripe_id == Purchase.payment_intent_id)
    wanted = sa.select(Purchase.payment_intent_id).where(
        Purchase.payment_intent_id.is_not(None), ~held
    )
    for payment_intent_id in db.session.scalars(wanted).all():
        sync.pull("payment_intent", str(payment_intent_id))
        _advance(progress, payment_intent_id, 1)
        report("payment_intent", 1)


def _pull_methods_of(customer: str) -> int:
    fetch: Any = KINDS["payment_method"].gateway.page
    count, last, more = 0, None, True
    while more:
        try:
            page = sync.pull_page(
                "payment_method", partial(fetch, customer=customer, starting_after=last)
            )
        except GoneFromStripe:
            # The customer, or the method to go on after, is gone: what is left shows up unlisted.
            sync.pull("customer", customer, in_bulk=True)
            return count
        count += len(page.data)
        last = page.data[-1]["id"] if page.data else None
        more = page.has_more and last is not None
    return count


def _pull_unlisted(kind: str, progress: SyncProgress, report: Report) -> None:
    """Pulls what the mirror holds and this run has not seen, one by one."""
    model = KINDS[kind].model
    unseen = [model.deleted_at.is_(None), model.pulled_at < progress.started_at]
    if kind == "payment_method":
        # A detached method is on no list and can never change again.
        unseen.append(PaymentMethod.customer_id.is_not(None))
    for stripe_id in db.session.scalars(sa.select(model.stripe_id).where(*unseen)).all():
        sync.pull(kind, stripe_id, in_bulk=True)
        _advance(progress, progress.last_id, 1)
        report(kind, 1)


def _advance(progress: SyncProgress, last_id: str | None, count: int) -> None:
    progress.last_id = last_id
    progress.pulled += count
    db.session.commit()

"""Confirming a price change, and putting the new price in the old one's place at Stripe.

The confirmation and everybody's move are one transaction. Then come three steps at Stripe, each
under a key that follows from the change's own, each noted when it is done: whoever dies between
two of them, the next run goes on with the one that is missing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from billing import sync
from billing.audit import record
from billing.clock import now
from billing.errors import (
    BillingError,
    GoneFromStripe,
    InvalidRequest,
    KeySpent,
    Refused,
    StripeBusy,
    StripeMisconfigured,
    StripeUnavailable,
)
from billing.gateway import price_change as gateway
from billing.price_changes import finishing, rehearsal, subscribers
from billing.price_changes.choice import KEEP
from billing.price_changes.draft import AlreadyRunning, running_for, subject
from billing.price_changes.verdicts import DONE, MOVE, SKIP, WAIT
from models import Price, PriceChange, PriceMove, Product, db

log = logging.getLogger(__name__)

AGAIN = timedelta(minutes=1)
# Who begins a launch keeps others from it for so long.
LEASE = timedelta(minutes=2)
AT_ONCE = 1000
STATUS_OF = {MOVE: "pending", WAIT: "pending", SKIP: "skipped", DONE: "done"}


class Outdated(Refused):
    """What was confirmed is not what would happen now."""

    title = "The numbers have changed"
    message = "Something changed since you looked. Nothing was done; here are the numbers now."


def confirm(change: PriceChange, *, seen: str, user_id: int) -> bool:
    """Confirms the draft as it was seen (`Rehearsal.fingerprint`); True when this did it.

    False when it was confirmed already, as by a second click. Raises Outdated when the numbers
    are others by now, AlreadyRunning when another change of the price came first. Commits.
    """
    moment = now()
    if not change.is_draft:
        return False
    if rehearsal.of(change, moment).fingerprint != seen:
        raise Outdated
    if running_for(change.price_id) is not None:
        raise AlreadyRunning
    price = change.price
    if price is None or (change.makes_price and not price.active):
        raise Outdated
    try:
        taken = db.session.execute(
            update(PriceChange)
            .where(PriceChange.id == change.id, PriceChange.status == "draft")
            .values(
                status="launching",
                confirmed_at=moment,
                confirmed_by_id=user_id,
                launch_next_at=moment,
            )
            .execution_options(synchronize_session=False)
        )
        if not taken.rowcount:
            db.session.rollback()
            return False
        numbers = _keep_moves(change, moment)
        record("price_change.confirmed", subject(change), after={**told(change), **numbers})
        db.session.commit()
    except IntegrityError as error:
        db.session.rollback()
        raise AlreadyRunning from error
    db.session.refresh(change)
    return True


def told(change: PriceChange) -> dict[str, Any]:
    """The choice, as the audit log keeps it."""
    return {
        "price": change.price_id,
        "amounts": change.new_amounts,
        "rule": change.rule,
        "starts_at": change.starts_at and f"{change.starts_at:%Y-%m-%d}",
        "notice_days": change.notice_days,
        "who": change.who,
    }


def _keep_moves(change: PriceChange, moment: datetime) -> dict[str, int]:
    """One row for each subscriber who moves, waits, or would but for a reason; how many."""
    numbers = {"moving": 0, "skipped": 0}
    if change.rule == KEEP:
        return numbers
    waiting: list[dict[str, Any]] = []
    for row in rehearsal.rows(change, subscribers.every(change), moment):
        if row.verdict.reason == "not_chosen":
            continue
        numbers["moving" if row.moves else "skipped"] += 1
        status = STATUS_OF[row.verdict.outcome]
        waiting.append(
            {
                "change_id": change.id,
                "subscription_id": row.subscription.stripe_id,
                "account_id": row.account.id if row.account else None,
                "status": status,
                "reason": row.verdict.reason,
                "reason_detail": row.verdict.detail,
                "currency": row.currency,
                "quantity": row.quantity,
                "amount_before": row.before,
                "amount_after": row.after,
                "moves_at": row.verdict.at,
                "next_attempt_at": moment,
                "created_at": moment,
                "settled_at": None if status == "pending" else moment,
            }
        )
    for first in range(0, len(waiting), AT_ONCE):
        db.session.execute(insert(PriceMove), waiting[first : first + AT_ONCE])
    return numbers


def launch_due(moment: datetime | None = None) -> int:
    """Goes on with every launch that is due; how many are through."""
    moment = moment or now()
    found = db.session.scalars(
        select(PriceChange.id).where(
            PriceChange.status == "launching", PriceChange.launch_next_at <= moment
        )
    ).all()
    through = 0
    for change_id in found:
        try:
            through += launch(change_id)
        except BillingError as error:
            db.session.rollback()
            log.warning("price change %s is not launched yet: %s", change_id, error.title)
    return through


def hurry(change_id: int) -> bool:
    """As `launch`, without waiting for the time of the next attempt."""
    # Whoever is at it just now keeps it for the length of their lease.
    db.session.execute(
        update(PriceChange)
        .where(PriceChange.id == change_id, PriceChange.last_error.is_not(None))
        .values(launch_next_at=now())
    )
    db.session.commit()
    return launch(change_id)


def launch(change_id: int) -> bool:
    """Takes the steps at Stripe that are missing; True when the new price is in its place.

    False when somebody else is at it. Raises StripeUnavailable, StripeBusy or StripeMisconfigured
    when Stripe could not be asked: it goes on by itself; and what Stripe refuses: then the change
    is refused, and nobody moves.
    """
    change = db.session.get_one(PriceChange, change_id, populate_existing=True)
    if not _claim(change):
        return False
    try:
        _steps(change)
    except (StripeUnavailable, StripeBusy, StripeMisconfigured) as error:
        db.session.rollback()
        _note(change_id, last_error=error.title, launch_next_at=now() + AGAIN)
        raise
    except (InvalidRequest, GoneFromStripe, Refused) as error:
        db.session.rollback()
        if _is_made(change_id):
            # Half a launch is not taken back: somebody at Stripe stands in its way for now.
            _note(change_id, last_error=error.message, launch_next_at=now() + AGAIN)
        else:
            _refuse(change_id, error)
        raise
    begun = db.session.execute(
        update(PriceChange)
        .where(PriceChange.id == change_id, PriceChange.status == "launching")
        .values(status="moving", last_error=None, launch_next_at=None)
    )
    db.session.commit()
    if begun.rowcount:
        finishing.finish_if_over(change_id)
    return True


def _claim(change: PriceChange) -> bool:
    attempts, moment = change.launch_attempts, now()
    claimed = db.session.execute(
        update(PriceChange)
        .where(
            PriceChange.id == change.id,
            PriceChange.status == "launching",
            PriceChange.launch_attempts == attempts,
            PriceChange.launch_next_at <= moment,
        )
        .values(launch_attempts=attempts + 1, launch_next_at=moment + LEASE, last_error=None)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()
    db.session.refresh(change)
    return bool(claimed.rowcount)


def _is_made(change_id: int) -> bool:
    change = db.session.get_one(PriceChange, change_id, populate_existing=True)
    return change.makes_price and change.new_price_id is not None


def _steps(change: PriceChange) -> None:
    if not change.makes_price:
        target: Price = sync.pull("price", change.new_price_id or "")
        if not target.active or target.deleted_at is not None:
            raise Refused("The price they were to move to is not on sale any more.")
        return
    if change.was_default is None:
        _look(change)
    if change.new_price_id is None:
        _make(change)
    if change.was_default and change.default_moved_at is None:
        _once(
            change,
            "default",
            lambda key: gateway.make_default(
                change.product_id, change.new_price_id or "", idempotency_key=key
            ),
        )
        change.default_moved_at = now()
        db.session.commit()
    if change.retired_at is None:
        _retire(change)
        change.retired_at = now()
        db.session.commit()
    sync.pull("product", change.product_id)
    sync.pull("price", change.new_price_id or "")
    sync.pull("price", change.price_id)


def _look(change: PriceChange) -> None:
    """What the old price is at Stripe right now: its product's default, and its lookup key."""
    product: Product = sync.pull("product", change.product_id)
    price: Price = sync.pull("price", change.price_id)
    if product.deleted_at is not None or price.deleted_at is not None:
        raise Refused("The plan or its price was deleted at Stripe. Nothing was changed.")
    change.was_default = product.default_price_id == price.stripe_id
    change.lookup_key = price.lookup_key
    db.session.commit()


def _make(change: PriceChange) -> None:
    """The new price; one that an earlier attempt made and could not note is found again."""
    found = gateway.find(change.product_id, change.id) if change.launch_attempts > 1 else None
    if found is None:
        assert change.price is not None
        # As it was when the change began: the key stands for these parameters.
        old = {**change.price.data, "lookup_key": change.lookup_key}
        new = gateway.NewPrice(old=old, amounts=change.new_amounts, change_id=change.id)
        found = _once(change, "price", lambda key: gateway.create(new, idempotency_key=key))
    change.new_price_id = found.id
    db.session.commit()
    sync.pull("price", found.id)


def _retire(change: PriceChange) -> None:
    try:
        _once(change, "retire", lambda key: gateway.retire(change.price_id, idempotency_key=key))
    except InvalidRequest:
        product: Product = sync.pull("product", change.product_id)
        if product.default_price_id == change.price_id:
            # Somebody made it the default again; the default is moved once more, then it goes.
            change.was_default, change.default_moved_at = True, None
            change.idempotency_key = _next_key(change)
            db.session.commit()
        raise


def _next_key(change: PriceChange) -> str:
    return f"{change.idempotency_key.split('+')[0]}+{change.launch_attempts}"


def _once(change: PriceChange, step: str, ask: Callable[[str], Any]) -> Any:
    """What Stripe answers to a step. A failure that it keeps under the key is asked for anew, the
    next time, under another: by then it was seen that it was not done, or does no harm twice."""
    key = f"{change.idempotency_key}-{step}"
    try:
        return ask(key)
    except KeySpent:
        log.warning("stripe keeps a failure under %s; another key is used", key)
        change.idempotency_key = _next_key(change)
        db.session.commit()
        raise


def _note(change_id: int, **values: Any) -> None:
    db.session.execute(update(PriceChange).where(PriceChange.id == change_id).values(**values))
    db.session.commit()


def _refuse(change_id: int, error: BillingError) -> None:
    """Ends the change: Stripe would not have the price. Nobody moves."""
    moment = now()
    db.session.execute(
        update(PriceChange)
        .where(PriceChange.id == change_id, PriceChange.status == "launching")
        .values(status="refused", last_error=error.message, finished_at=moment, launch_next_at=None)
    )
    db.session.execute(
        update(PriceMove)
        .where(PriceMove.change_id == change_id, PriceMove.status == "pending")
        .values(status="skipped", reason="refused", settled_at=moment)
    )
    record("price_change.refused", f"price_change:{change_id}", after={"why": error.message})
    db.session.commit()

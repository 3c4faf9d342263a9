"""Every subscription's past is kept: what it was worth and whose it was, from which moment on.

Whoever pulls a subscription writes, in the same transaction, what changed. The moment is Stripe's
own where the object names it: the start, the end of a trial, the beginning of a pause, of the
period that a change came with, of a discount, the end. Else it is when the change was seen.
A discount that will end is written ahead, so that what counts at a moment needs no event then.

What a backfill brings was not watched; `rebuild` works it out from what Stripe keeps
(`billing.subscription_past`). It replaces only what was worked out before: what was seen stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from billing import clock, mrr, subscription_past, sync
from billing.subscription_past import Known
from models import (
    Coupon,
    Invoice,
    Pause,
    Price,
    Subscription,
    SubscriptionItem,
    SubscriptionState,
    db,
)

BATCH = 100
# One heard of within a day of its start was watched from its start.
WATCHED = timedelta(days=1)


@sync.observer
def record_change(written: sync.Written) -> None:
    """Notes what a write into the mirror changed about the worth of subscriptions."""
    if written.in_bulk:
        return  # The past of what comes in a backfill is rebuilt when all of it is there.
    if written.kind == "subscription":
        record(written.row, written.before)
    elif written.kind == "customer" and _discount_changed(written):
        _record_all(Subscription.customer_id == written.row.stripe_id)
    elif written.kind in {"price", "product"} and written.is_new:
        # A subscription is written before the prices that it was the first to name.
        prices = sa.select(Price.stripe_id).where(
            sa.or_(
                Price.stripe_id == written.row.stripe_id, Price.product_id == written.row.stripe_id
            )
        )
        having = sa.select(SubscriptionItem.subscription_id).where(
            SubscriptionItem.price_id.in_(prices)
        )
        _record_all(Subscription.stripe_id.in_(having))


def record(subscription: Subscription, before: dict[str, Any]) -> None:
    """Adds what the subscription is now to its past, when that differs; within the transaction.

    `before` holds its columns as they were before this change, and is empty for a new one.
    """
    moment = clock.now()
    known = _states_of(subscription.stripe_id)
    past = [state for state in known if state.at <= moment]
    for state in known[len(past) :]:
        db.session.delete(state)
    db.session.flush()
    if not past:
        past = _first_seen(subscription, moment)
        db.session.add_all(past)
    present = _present(subscription, moment)
    if not past or present.facts != past[-1].facts:
        last = past[-1] if past else None
        present.at = _when(subscription, before, last, moment)
        if last is not None and last.at == present.at:
            _overwrite(last, present)
        else:
            db.session.add(present)
    db.session.add_all(_to_come(subscription, moment))


def rebuild(subscription_id: str) -> bool:
    """Works out the past of one subscription from the mirror, where nobody watched; commits.

    False when the mirror holds no such subscription.
    """
    _rebuild([subscription_id])
    return db.session.get(Subscription, subscription_id) is not None


def rebuild_all(report: Callable[[int], None] = lambda count: None) -> int:
    """Works out the past of every subscription; how many. Can be repeated; commits by batches.

    `report(count)` is called after each batch.
    """
    last, total = "", 0
    while ids := db.session.scalars(
        sa.select(Subscription.stripe_id)
        .where(Subscription.stripe_id > last)
        .order_by(Subscription.stripe_id)
        .limit(BATCH)
    ).all():
        _rebuild(ids)
        last, total = ids[-1], total + len(ids)
        report(len(ids))
    return total


# What is seen ------------------------------------------------------------------------------


def _record_all(which: sa.ColumnElement[bool]) -> None:
    for subscription in db.session.scalars(sa.select(Subscription).where(which)):
        if subscription.is_live:
            record(subscription, {})


def _discount_changed(written: sync.Written) -> bool:
    before = (written.before.get("data") or {}).get("discount")
    return bool(before != written.row.data.get("discount"))


def _present(subscription: Subscription, moment: datetime) -> SubscriptionState:
    """What the subscription is at `moment`, as the mirror has it."""
    counts = subscription.status in mrr.COUNTED_STATUSES
    status = "active" if counts else subscription.status
    price = subscription.price
    return SubscriptionState(
        subscription_id=subscription.stripe_id,
        customer_id=subscription.customer_id,
        at=moment,
        status="canceled" if subscription.deleted_at is not None else status,
        product_id=price.product_id if price else None,
        price_id=price.stripe_id if price else None,
        quantity=subscription.quantity,
        currency=subscription.currency,
        interval=price.interval if price else None,
        interval_count=price.interval_count if price else None,
        mrr=mrr.of(subscription, moment),
        is_trial=subscription.is_trialing and subscription.deleted_at is None,
        not_counted=len(mrr.not_counted(subscription)),
        is_seen=True,
    )


def _first_seen(subscription: Subscription, moment: datetime) -> list[SubscriptionState]:
    """The past of one never heard of, as far as it tells by itself."""
    states = subscription_past.states(subscription, _known([subscription]), moment)
    start = subscription.start_date or subscription.created
    watched = start is not None and moment - start < WATCHED
    for state in states:
        state.is_seen = watched
    return states


def _when(
    subscription: Subscription,
    before: dict[str, Any],
    last: SubscriptionState | None,
    seen: datetime,
) -> datetime:
    """When the present state began: as Stripe says, else when `seen`; never before `last`."""
    if last is None:
        return subscription.start_date or seen
    said = _said_by_stripe(subscription, before, last)
    fitting = [moment for moment in said if moment is not None and last.at <= moment <= seen]
    return fitting[0] if fitting else max(seen, last.at)


def _said_by_stripe(
    subscription: Subscription, before: dict[str, Any], last: SubscriptionState
) -> Iterable[datetime | None]:
    """The moments that Stripe names for such a change, the likeliest first."""
    if not subscription.is_live:
        yield subscription.ended_at or subscription.deleted_at or subscription.canceled_at
        return
    if last.is_trial and not subscription.is_trialing:
        yield subscription.trial_end
    if subscription.status == "paused":
        yield subscription.paused_at
        return
    began = subscription.current_period_start
    if last.status == "active" and before and before["current_period_start"] != began:
        # A change that came with a new period, such as a scheduled one.
        yield began
    for discount in mrr.lasting_discounts(subscription):
        if discount.starts is not None and discount.starts > last.at:
            yield discount.starts


def _to_come(subscription: Subscription, moment: datetime) -> list[SubscriptionState]:
    """What is known to come: it is worth more when a discount ends."""
    ends = {one.ends for one in mrr.lasting_discounts(subscription)}
    states = []
    worth = mrr.of(subscription, moment)
    for end in sorted(end for end in ends if end is not None and end > moment):
        state = _present(subscription, end)
        if state.mrr != worth:
            states.append(state)
            worth = state.mrr
    return states


def _overwrite(state: SubscriptionState, by: SubscriptionState) -> None:
    for column in sa.inspect(SubscriptionState).column_attrs:
        if column.key != "id":
            setattr(state, column.key, getattr(by, column.key))


# What is worked out ------------------------------------------------------------------------


def _rebuild(ids: Sequence[str]) -> None:
    moment = clock.now()
    # Held until the commit, so that nobody sees a change meanwhile.
    subscriptions = db.session.scalars(
        sa.select(Subscription)
        .where(Subscription.stripe_id.in_(ids))
        .options(selectinload(Subscription.items))
        .with_for_update()
    ).all()
    states: dict[str, list[SubscriptionState]] = {each.stripe_id: [] for each in subscriptions}
    for state in db.session.scalars(
        sa.select(SubscriptionState)
        .where(SubscriptionState.subscription_id.in_(ids))
        .order_by(SubscriptionState.subscription_id, SubscriptionState.at)
    ):
        states[state.subscription_id].append(state)
    known = _known(subscriptions)
    for subscription in subscriptions:
        wanted = _merged(subscription, states[subscription.stripe_id], known, moment)
        _replace(states[subscription.stripe_id], wanted)
    db.session.commit()


def _merged(
    subscription: Subscription, held: Sequence[SubscriptionState], known: Known, moment: datetime
) -> list[SubscriptionState]:
    """What was seen, with what was worked out for before and after it; neighbours differ."""
    mine = Known(
        [one for one in known.invoices if one.subscription_id == subscription.stripe_id],
        [one for one in known.pauses if one.subscription_id == subscription.stripe_id],
        known.prices,
        known.coupons,
    )
    worked_out = subscription_past.states(subscription, mine, moment)
    seen = [state for state in held if state.is_seen and state.at <= moment]
    if seen:
        first, last = seen[0].at, seen[-1].at
        worked_out = [state for state in worked_out if not first <= state.at <= last]
    merged: list[SubscriptionState] = []
    for state in sorted([*worked_out, *seen], key=lambda one: one.at):
        if not merged or state.is_seen or state.facts != merged[-1].facts:
            merged.append(state)
    present = _present(subscription, moment)
    if not merged or merged[-1].facts != present.facts:
        # Stripe keeps nothing that says when. It was so when it was pulled, or heard of before.
        present.is_seen = False
        same = [state for state in held if state.at <= moment and not state.is_seen]
        is_noted = bool(same) and same[-1].facts == present.facts
        present.at = same[-1].at if is_noted else subscription.pulled_at
        if merged and present.at <= merged[-1].at:
            present.at = max(moment, merged[-1].at)
        merged = [state for state in merged if state.at < present.at] + [present]
    return [*merged, *_to_come(subscription, moment)]


def _replace(held: Sequence[SubscriptionState], wanted: Sequence[SubscriptionState]) -> None:
    """Makes the rows be those; one that stays as it was is not written."""
    kept = {state.at: state for state in held}
    for state in wanted:
        row = kept.pop(state.at, None)
        if row is None:
            db.session.add(state)
        elif row is not state and (row.facts, row.is_seen) != (state.facts, state.is_seen):
            _overwrite(row, state)
    for row in kept.values():
        db.session.delete(row)


def _states_of(subscription_id: str) -> list[SubscriptionState]:
    return list(
        db.session.scalars(
            sa.select(SubscriptionState)
            .where(SubscriptionState.subscription_id == subscription_id)
            .order_by(SubscriptionState.at)
        )
    )


def _known(subscriptions: Sequence[Subscription]) -> Known:
    ids = [one.stripe_id for one in subscriptions]
    invoices = db.session.scalars(
        sa.select(Invoice)
        .where(Invoice.subscription_id.in_(ids))
        .options(selectinload(Invoice.lines))
    ).all()
    pauses = db.session.scalars(sa.select(Pause).where(Pause.subscription_id.in_(ids))).all()
    priced = {line.price_id for invoice in invoices for line in invoice.lines}
    priced |= {item.price_id for one in subscriptions for item in one.items}
    prices = db.session.scalars(
        sa.select(Price)
        .where(Price.stripe_id.in_({one for one in priced if one}))
        .options(selectinload(Price.product))
    ).all()
    coupons = db.session.scalars(sa.select(Coupon)).all() if invoices else []
    return Known(
        invoices,
        pauses,
        {one.stripe_id: one for one in prices},
        {one.stripe_id: one for one in coupons},
    )

"""Who pays a price: from the mirror, the longest subscribed first."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Select, String, cast, func, select
from sqlalchemy.orm import joinedload, selectinload

from models import (
    ENDED_STATUSES,
    Customer,
    Price,
    PriceChange,
    Subscription,
    SubscriptionItem,
    SubscriptionSchedule,
    db,
)

AT_ONCE = 500


def statement(price_id: str) -> Select[tuple[Subscription]]:
    """The subscriptions with an item of that price that are not over, with what they refer to."""
    on_it = select(SubscriptionItem.subscription_id).where(SubscriptionItem.price_id == price_id)
    return (
        select(Subscription)
        .where(
            Subscription.stripe_id.in_(on_it),
            Subscription.status.not_in(ENDED_STATUSES),
            Subscription.deleted_at.is_(None),
        )
        .options(
            selectinload(Subscription.items)
            .joinedload(SubscriptionItem.price)
            .joinedload(Price.product),
            joinedload(Subscription.customer).joinedload(Customer.account),
            joinedload(Subscription.schedule),
        )
        .order_by(Subscription.created, Subscription.stripe_id)
    )


def every(change: PriceChange) -> Iterator[Subscription]:
    """All who pay the old price, read in parts."""
    found = db.session.scalars(statement(change.price_id).execution_options(yield_per=AT_ONCE))
    yield from found


def arriving(price_id: str) -> int:
    """How many who pay another price are scheduled to come to this one: they come to it all the
    same once it is archived, and are no part of its change."""
    on_it = select(SubscriptionItem.subscription_id).where(SubscriptionItem.price_id == price_id)
    # The text of Stripe's JSON names the price; a schedule of somebody on it leads nowhere new.
    return (
        db.session.scalar(
            select(func.count(SubscriptionSchedule.stripe_id)).where(
                SubscriptionSchedule.status.in_(("active", "not_started")),
                SubscriptionSchedule.deleted_at.is_(None),
                cast(SubscriptionSchedule.phases, String).contains(price_id, autoescape=True),
                SubscriptionSchedule.subscription_id.not_in(on_it),
            )
        )
        or 0
    )


def name_of(subscription: Subscription) -> str:
    """The account's name, else the customer's, else the id."""
    customer = subscription.customer
    if customer is None:
        return subscription.customer_id
    if customer.account is not None:
        return customer.account.name
    return customer.name or customer.email or subscription.customer_id

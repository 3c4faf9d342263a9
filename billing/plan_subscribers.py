"""How many subscriptions are on which price, counted over the index of their items."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func, select

from models import ENDED_STATUSES, Price, Subscription, SubscriptionItem, db


def by_price(price_ids: Iterable[str]) -> dict[str, int]:
    """Live subscriptions by price, those of no subscription left out."""
    found = db.session.execute(
        select(SubscriptionItem.price_id, func.count(SubscriptionItem.subscription_id.distinct()))
        .join(Subscription)
        .where(
            SubscriptionItem.price_id.in_(list(price_ids)),
            Subscription.status.not_in(ENDED_STATUSES),
            Subscription.deleted_at.is_(None),
        )
        .group_by(SubscriptionItem.price_id)
    )
    return {row[0]: row[1] for row in found}


def by_plan(product_ids: Iterable[str]) -> dict[str, int]:
    """Live subscriptions by product, on whatever price of it."""
    prices: dict[str, str] = dict(
        db.session.execute(
            select(Price.stripe_id, Price.product_id).where(Price.product_id.in_(list(product_ids)))
        ).all()
    )
    totals: dict[str, int] = {}
    for price_id, count in by_price(prices).items():
        totals[prices[price_id]] = totals.get(prices[price_id], 0) + count
    return totals

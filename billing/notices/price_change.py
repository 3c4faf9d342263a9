"""The mail that tells a subscriber of a new price, before it begins."""

from __future__ import annotations

from typing import Any

from billing import deep_links
from billing.clock import now
from billing.deep_links import Destination
from billing.notices.sending import notice
from billing.outbox import NotNeeded
from billing.price_changes import coming
from billing.pricing import amount_for
from models import Account, OutboxEntry, PriceMove, db


@notice("price_change")
def price_change(entry: OutboxEntry, account: Account) -> dict[str, Any]:
    """`each` is the price of one, `before` and `after` what a period costs, net of discounts."""
    move = db.session.get(PriceMove, entry.payload["move_id"])
    if move is None or move.status != "scheduled" or move.moves_at is None:
        raise NotNeeded("the price does not change any more")
    if int(move.moves_at.timestamp()) != entry.payload["on"]:
        raise NotNeeded("it changes on another day, of which they are told")
    subscription = move.subscription
    each = coming.of(subscription, now())
    if subscription is None or each is None:
        raise NotNeeded("the price does not change any more, or has changed")
    seats = subscription.quantity
    full = amount_for(each.price, seats, move.currency)
    return {
        "subscription": subscription,
        "plan": subscription.plan.name if subscription.plan else "your plan",
        "each": each,
        "seats": seats,
        "before": move.amount_before,
        "after": move.amount_after,
        "with_discount": move.amount_after is not None and move.amount_after != full,
        "link": deep_links.url(account.id, Destination.SUBSCRIPTION),
        "plans_link": deep_links.url(account.id, Destination.PLANS),
        "cancel_link": deep_links.url(account.id, Destination.CANCELLATION),
    }

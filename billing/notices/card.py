"""The mail about a card that ends soon."""

from __future__ import annotations

from typing import Any

from billing import deep_links
from billing.clock import now
from billing.deep_links import Destination
from billing.next_charge import next_charge
from billing.notices.sending import notice
from billing.outbox import NotNeeded
from models import Account, OutboxEntry, Subscription, db


@notice("card_expiring")
def card_expiring(entry: OutboxEntry, account: Account) -> dict[str, Any]:
    subscription = db.session.get(Subscription, entry.payload["subscription_id"])
    charge = next_charge(subscription, now()) if subscription else None
    if subscription is None or charge is None or charge.method is None:
        raise NotNeeded("nothing is charged to it any more")
    expires_on = charge.method.expires_on
    if charge.method.stripe_id != entry.payload["payment_method_id"]:
        raise NotNeeded("another payment method is used by now")
    if expires_on is None or expires_on.isoformat() != entry.payload["expires_on"]:
        raise NotNeeded("the card was renewed")
    return {
        "method": charge.method,
        "expires_on": expires_on,
        "has_expired": charge.method.is_expired(now()),
        "misses": charge.on.date() > expires_on,
        "charge": charge,
        "plan": subscription.plan.name if subscription.plan else "your plan",
        "link": deep_links.url(account.id, Destination.NEW_PAYMENT_METHOD),
    }

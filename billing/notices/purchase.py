"""The mail about something bought once: a pack of credits, a set-up fee."""

from __future__ import annotations

from typing import Any

from billing import deep_links
from billing.deep_links import Destination
from billing.notices.sending import notice
from models import Account, OutboxEntry


@notice("purchase_receipt")
def purchase_receipt(entry: OutboxEntry, account: Account) -> dict[str, Any]:
    """The payload says it all: `name`, `amount` (minor units), `currency`, and, where there are
    any, `quantity`, `method` (type, brand, last4), `paid_at` (Unix seconds) and `receipt_url`."""
    return {
        "purchase": entry.payload,
        "link": deep_links.url(account.id, Destination.OVERVIEW),
    }

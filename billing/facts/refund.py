"""Money given back, or that could not be."""

from __future__ import annotations

from billing.facts.telling import is_recent, observes, tell
from billing.sync import Written
from models import Refund

KINDS = {"succeeded": "refund", "failed": "refund_failed"}


@observes("refund")
def refunded(written: Written) -> None:
    refund: Refund = written.row
    kind = KINDS.get(refund.status or "")
    if kind is None or written.before.get("status") == refund.status:
        return
    # Banks take up to a month to send a refund back, so a change is news whenever it is seen.
    if written.is_new and not is_recent(refund.created):
        return
    details = refund.data.get("charge_details") or {}
    tell(kind, f"{kind}:{refund.stripe_id}", details.get("customer"), refund_id=refund.stripe_id)

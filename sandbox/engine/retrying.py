"""What follows a failed payment of an invoice: the next attempt, and the end of all attempts.

Source: Stripe's "Automate payment retries".
"""

from sandbox import clock
from sandbox.cards import HARD_DECLINES
from sandbox.engine import closing, invoicing, policy
from sandbox.engine.changes import emit_updated, snapshot
from sandbox.engine.payment import BANK_DEBITS
from sandbox.store import store


def note(invoice: dict, payment_method: dict, decline_code: str | None) -> None:
    """Remember on the unsaved `invoice` that its bank said never to ask again, if it did."""
    kind = payment_method["type"]
    if kind in BANK_DEBITS:
        final = decline_code != "insufficient_funds" or (
            invoice["attempt_count"] > policy.BANK_RETRIES
        )
    else:
        final = decline_code in HARD_DECLINES
    invoice["_refused"] = payment_method["id"] if final else None


def plan(invoice: dict) -> None:
    """Set on the unsaved `invoice` when its payment is tried next, if ever.

    An attempt by hand between two retries leaves their schedule alone.
    """
    now = clock.now()
    if not _is_retried(invoice) or (invoice["next_payment_attempt"] or 0) > now:
        return
    first = invoice.setdefault("_first_failure", now)
    invoice["next_payment_attempt"] = policy.current().next_attempt(
        invoice["attempt_count"], first, now
    )
    invoice["_exhausted"] = invoice["next_payment_attempt"] is None


def _is_retried(invoice: dict) -> bool:
    """Whether this invoice's failure is the policy's business: it is collected automatically, and
    neither a first payment nor a change waits for it."""
    if invoice["collection_method"] != "charge_automatically" or not invoice["auto_advance"]:
        return False
    if invoice.get("_holds_update") and not invoice.get("_retried"):
        return False
    subscription = store.find("subscription", invoicing.subscription_id(invoice) or "")
    return subscription is None or subscription["status"] != "incomplete"


def is_refused(invoice: dict, payment_method: dict) -> bool:
    """Whether the payment method is the one whose bank said never to ask again."""
    return payment_method["id"] == invoice.get("_refused")


def conclude(invoice: dict) -> None:
    """After the last attempt: the policy's end for the invoice and its subscription."""
    if not invoice.pop("_exhausted", False):
        return
    store.save(invoice)
    subscription = store.find("subscription", invoicing.subscription_id(invoice) or "")
    if subscription is None:
        return
    rules = policy.current()
    if rules.invoice == "uncollectible":
        invoicing.mark_uncollectible(invoice, "max_payment_attempts")
    # A paused subscription stays paused whatever becomes of its older invoices.
    if subscription["status"] != "past_due":
        return
    if rules.subscription == "cancel":
        closing.end(store.get("subscription", subscription["id"]), "payment_failed")
    elif rules.subscription == "unpaid":
        _mark_unpaid(subscription)


def _mark_unpaid(subscription: dict) -> None:
    before = snapshot(subscription)
    subscription["status"] = "unpaid"
    store.save(subscription)
    closing.stop_collection(subscription, void=False)
    emit_updated("customer.subscription.updated", subscription, before)

"""What an invoice's fate means for its subscription's status."""

from dataclasses import dataclass

from sandbox import clock
from sandbox.engine import invoicing, items
from sandbox.engine.changes import emit_updated, snapshot
from sandbox.engine.drafts import pending_entries
from sandbox.engine.invoicing import subscription_id
from sandbox.events import emit
from sandbox.store import store


def _owner(invoice: dict) -> dict | None:
    id = subscription_id(invoice)
    return store.find("subscription", id) if id else None


def running(subscription: dict) -> str:
    """The status of a subscription in good standing: trialing or active."""
    trial_end = subscription["trial_end"]
    return "trialing" if trial_end and trial_end > clock.now() else "active"


def invoice_paid(invoice: dict, payment_method: str | None = None) -> None:
    """An incomplete subscription starts, a past due one recovers, a pending update is applied."""
    subscription = _owner(invoice)
    if not subscription:
        return
    before = snapshot(subscription)
    settings = subscription["payment_settings"] or {}
    if payment_method and settings.get("save_default_payment_method") == "on_subscription":
        subscription["default_payment_method"] = payment_method
    if subscription["status"] == "incomplete" or recovers(subscription):
        subscription["status"] = running(subscription)
    store.save(subscription)
    apply_pending(subscription, invoice["id"])
    subscription = store.get("subscription", subscription["id"])
    emit_updated("customer.subscription.updated", subscription, before)


def payment_accepted(invoice: dict) -> None:
    """A bank debit is on its way: an incomplete subscription starts already."""
    subscription = _owner(invoice)
    if subscription and subscription["status"] == "incomplete":
        before = snapshot(subscription)
        subscription["status"] = running(subscription)
        store.save(subscription)
        emit_updated("customer.subscription.updated", subscription, before)


def payment_failed(invoice: dict) -> None:
    """A running subscription falls past due; one that was to resume on the attempt does too."""
    subscription = _owner(invoice)
    if not subscription:
        return
    before = snapshot(subscription)
    if invoice.get("_holds_update"):
        if not _resumes_on_attempt(subscription, invoice):
            return
        # From here on the invoice stands for a period like any other.
        invoice.pop("_holds_update")
        store.save(invoice)
        apply_pending(subscription, invoice["id"], "past_due")
        subscription = store.get("subscription", subscription["id"])
    elif subscription["status"] in ("active", "trialing"):
        subscription["status"] = "past_due"
        store.save(subscription)
    emit_updated("customer.subscription.updated", subscription, before)


def _resumes_on_attempt(subscription: dict, invoice: dict) -> bool:
    pending = subscription.get("_pending")
    return bool(pending) and pending["invoice"] == invoice["id"] and pending.get("on_attempt")


def invoice_closed(invoice: dict) -> None:
    """A void or uncollectible invoice no longer holds its subscription back; a pending update
    whose invoice it was is dropped. Forgiving a resumption's invoice resumes the subscription."""
    subscription = _owner(invoice)
    if not subscription:
        return
    before = snapshot(subscription)
    pending = subscription.get("_pending")
    if pending and pending["invoice"] == invoice["id"]:
        if subscription["status"] == "paused" and invoice["status"] == "uncollectible":
            apply_pending(subscription, invoice["id"])
        else:
            _forget(subscription, pending)
        subscription = store.get("subscription", subscription["id"])
    if recovers(subscription):
        subscription["status"] = running(subscription)
    if invoice["status"] == "void" and subscription["status"] == "incomplete":
        subscription.update(status="incomplete_expired", ended_at=clock.now())
    store.save(subscription)
    emit_updated("customer.subscription.updated", subscription, before)


def recovers(subscription: dict) -> bool:
    """Whether nothing holds the past due or unpaid subscription back any more.

    The latest finalized invoice decides for a past due one: it is paid or was forgiven by hand,
    older ones may be open still. For an unpaid one it is the latest invoice of all, a draft too.
    Source: Stripe's "Subscription statuses".
    """
    if subscription["status"] not in ("past_due", "unpaid"):
        return False
    which = ["open", "paid", "uncollectible"]
    if subscription["status"] == "unpaid":
        which.append("draft")
    found = store.all("invoice", subscription=subscription["id"], status=which)
    counted = [invoice for invoice in found if not invoice.get("_holds_update")]
    return not counted or _is_settled(counted[-1])


def _is_settled(invoice: dict) -> bool:
    if invoice["status"] == "uncollectible":
        return invoice["status_details"]["uncollectible"]["reason"] == "user_forgiven"
    return invoice["status"] == "paid"


def drop_update(subscription: dict) -> None:
    """Give up the change that waits for its payment; its invoice is void."""
    pending = subscription.get("_pending")
    invoice = store.find("invoice", pending["invoice"]) if pending else None
    if invoice and invoice["status"] in ("open", "uncollectible"):
        invoicing.void(invoice)
    if invoice:
        invoice_closed(invoice)


def _forget(subscription: dict, pending: dict) -> None:
    subscription.update(pending_update=None, _pending=None)
    store.save(subscription)
    # What waited for the next invoice before the change was asked for waits again.
    for id in pending.get("earlier", []):
        entry = store.find("invoiceitem", id)
        if entry:
            store.save(entry | {"invoice": None})
    for discount in store.all("discount", _spent=pending["invoice"]):
        store.save(discount | {"_spent": None})
    emit("customer.subscription.pending_update_expired", subscription)


@dataclass(frozen=True)
class Former:
    """What was there before a change: the subscription, its items, and the ids of the invoice
    items that waited for its next invoice."""

    subscription: dict
    items: list[dict]
    waiting: list[str]

    @classmethod
    def of(cls, subscription: dict) -> "Former":
        found = pending_entries(
            subscription["customer"], subscription["id"], subscription["currency"]
        )
        waiting = [entry["id"] for entry in found]
        return cls(dict(subscription), items.of(subscription), waiting)


def hold_update(subscription: dict, former: Former, invoice: dict, expires_at: int) -> dict:
    """Put a change off until its invoice is paid: the former documents come back.

    The change is forgotten at `expires_at`, or when the trial or the first item's period ends, if
    that is sooner.
    """
    ends = [item["current_period_end"] for item in former.items]
    ends.append(former.subscription["trial_end"])
    expires_at = min([expires_at, *(end for end in ends if end and end > clock.now())])
    return put_off(subscription, former, invoice, expires_at)


def put_off(subscription, before: Former, invoice, expires_at, *, on_attempt: bool = False) -> dict:
    """As `hold_update`, until exactly `expires_at`. With `on_attempt` a payment that fails makes
    the change too, and leaves the subscription past due."""
    after = items.of(subscription)
    former = before.subscription
    pending = {
        "subscription": subscription,
        "items": after,
        "invoice": invoice["id"],
        "expires_at": expires_at,
        "on_attempt": on_attempt,
        "earlier": before.waiting,
    }
    kept = {item["id"] for item in before.items}
    for item in after:
        if item["id"] not in kept:
            store.delete(item)
    present = {item["id"] for item in after}
    for item in before.items:
        if item["id"] in present:
            store.save(item)
        else:
            store.insert("subscription_item", item)
    former.update(
        latest_invoice=invoice["id"],
        _pending=pending,
        pending_update={
            "billing_cycle_anchor": _if_new(subscription, former, "billing_cycle_anchor"),
            "cancel_at_period_end": None,
            "discount": None,
            "discounts": None,
            "expires_at": expires_at,
            "metadata": None,
            "subscription_items": after,
            "trial_end": _if_new(subscription, former, "trial_end"),
            "trial_from_plan": None,
        },
    )
    store.save(former)
    return former


def _if_new(after: dict, before: dict, name: str):
    return after[name] if after[name] != before[name] else None


# What a pending update brings once it is paid; the rest of the subscription stays as it is by then.
_CHANGED_BY_UPDATE = ("billing_cycle_anchor", "trial_end", "trial_start", "discounts")


def apply_pending(subscription: dict, invoice_id: str, status: str | None = None) -> None:
    """Make the change whose invoice is paid; `status` says what the subscription becomes when it
    is not."""
    pending = subscription.get("_pending")
    if not pending or pending["invoice"] != invoice_id:
        return
    for item in items.of(subscription):
        store.delete(item)
    for item in pending["items"]:
        store.insert("subscription_item", item)
    for name in _CHANGED_BY_UPDATE:
        subscription[name] = pending["subscription"][name]
    resumed = subscription["status"] == "paused"
    subscription.update(pending_update=None, _pending=None, status_details=None)
    subscription["status"] = status or running(subscription)
    store.save(subscription)
    if resumed:
        emit("customer.subscription.resumed", subscription)
    else:
        emit("customer.subscription.pending_update_applied", subscription)

"""What an invoice's fate means for its subscription's status."""

from sandbox import clock
from sandbox.engine import items
from sandbox.engine.changes import emit_updated, snapshot
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
    status = subscription["status"]
    recovered = status in ("past_due", "unpaid") and not _owing(subscription, invoice["id"])
    if status == "incomplete" or recovered:
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
    """A running subscription falls past due."""
    subscription = _owner(invoice)
    if not subscription or subscription["status"] not in ("active", "trialing"):
        return
    if invoice.get("_holds_update"):
        return
    before = snapshot(subscription)
    subscription["status"] = "past_due"
    store.save(subscription)
    emit_updated("customer.subscription.updated", subscription, before)


def invoice_closed(invoice: dict) -> None:
    """A void or uncollectible invoice no longer holds its subscription back; a pending update
    whose invoice it was is dropped."""
    subscription = _owner(invoice)
    if not subscription:
        return
    before = snapshot(subscription)
    pending = subscription.get("_pending")
    if pending and pending["invoice"] == invoice["id"]:
        subscription.update(pending_update=None, _pending=None)
        store.save(subscription)
        emit("customer.subscription.pending_update_expired", subscription)
    void = invoice["status"] == "void"
    if void and subscription["status"] == "past_due" and not _owing(subscription, invoice["id"]):
        subscription["status"] = running(subscription)
    if void and subscription["status"] == "incomplete":
        subscription.update(status="incomplete_expired", ended_at=clock.now())
    store.save(subscription)
    emit_updated("customer.subscription.updated", subscription, before)


def _owing(subscription: dict, besides: str) -> bool:
    return any(
        invoice["id"] != besides and invoice["attempted"]
        for invoice in store.all("invoice", subscription=subscription["id"], status="open")
    )


def hold_update(subscription: dict, before: list[dict], invoice: dict, expires_at: int) -> dict:
    """Put a change off until its invoice is paid: the former documents come back.

    `before` holds the subscription and its items as they were.
    """
    after = items.of(subscription)
    former = before[0]
    pending = {
        "subscription": subscription,
        "items": after,
        "invoice": invoice["id"],
        "expires_at": expires_at,
    }
    kept = {item["id"] for item in before[1:]}
    for item in after:
        if item["id"] not in kept:
            store.delete(item)
    present = {item["id"] for item in after}
    for item in before[1:]:
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


def apply_pending(subscription: dict, invoice_id: str) -> None:
    """Make the change whose invoice is paid."""
    pending = subscription.get("_pending")
    if not pending or pending["invoice"] != invoice_id:
        return
    for item in items.of(subscription):
        store.delete(item)
    for item in pending["items"]:
        store.insert("subscription_item", item)
    for name in _CHANGED_BY_UPDATE:
        subscription[name] = pending["subscription"][name]
    subscription.update(pending_update=None, _pending=None)
    subscription["status"] = running(subscription)
    store.save(subscription)
    emit("customer.subscription.pending_update_applied", subscription)

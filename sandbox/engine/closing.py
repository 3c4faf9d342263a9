"""A subscription's last moment: ended for good, its collection stopped."""

from sandbox import clock
from sandbox.engine import invoicing
from sandbox.engine.changes import emit_updated, snapshot
from sandbox.events import emit
from sandbox.store import store

ENDED = ("canceled", "incomplete_expired")


def end(subscription: dict, reason: str = "cancellation_requested") -> dict:
    """The subscription, ended now, its collection stopped and its schedule with it."""
    now = clock.now()
    incomplete = subscription["status"] == "incomplete"
    subscription.update(
        status="incomplete_expired" if incomplete else "canceled",
        status_details=None,
        canceled_at=subscription["canceled_at"] or now,
        ended_at=now,
        pending_update=None,
        _pending=None,
    )
    subscription["cancellation_details"]["reason"] = (
        subscription["cancellation_details"]["reason"] or reason
    )
    schedule = store.find("subscription_schedule", subscription["schedule"] or "")
    subscription["schedule"] = None
    store.save(subscription)
    stop_collection(subscription, void=incomplete)
    _end_schedule(schedule)
    emit("customer.subscription.deleted", subscription)
    return subscription


def _end_schedule(schedule: dict | None) -> None:
    """A schedule ends with its subscription."""
    if schedule and schedule["status"] in ("active", "not_started"):
        schedule.update(status="canceled", canceled_at=clock.now(), current_phase=None)
        store.save(schedule)
        emit("subscription_schedule.canceled", schedule)


def expire(subscription: dict) -> dict:
    """The subscription whose first payment never came: incomplete_expired, its invoice void."""
    before = snapshot(subscription)
    schedule = store.find("subscription_schedule", subscription["schedule"] or "")
    subscription.update(status="incomplete_expired", ended_at=clock.now(), schedule=None)
    store.save(subscription)
    stop_collection(subscription, void=True)
    _end_schedule(schedule)
    emit_updated("customer.subscription.updated", subscription, before)
    return subscription


def _end_schedule(schedule: dict | None) -> None:
    """A schedule ends with its subscription."""
    if schedule and schedule["status"] in ("active", "not_started"):
        schedule.update(status="canceled", canceled_at=clock.now(), current_phase=None)
        store.save(schedule)
        emit("subscription_schedule.canceled", schedule)


def stop_collection(subscription: dict, *, void: bool) -> None:
    """Leave the subscription's drafts and open invoices to hand; with `void`, void the open ones.

    The invoice of a change that waits for its payment is void with it.
    """
    for invoice in store.all("invoice", subscription=subscription["id"], status=["draft", "open"]):
        if invoice["status"] == "open" and (void or invoice.get("_holds_update")):
            invoicing.void(invoice)
            continue
        before = snapshot(invoice)
        invoice.update(
            auto_advance=False, next_payment_attempt=None, automatically_finalizes_at=None
        )
        store.save(invoice)
        emit_updated("invoice.updated", invoice, before)

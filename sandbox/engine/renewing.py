"""Renewals: the next period of a subscription and the invoice for it."""

from sandbox import clock
from sandbox.engine import (
    collecting,
    ending,
    invoicing,
    items,
    pausing,
    paying,
    phases,
    revising,
    saving,
)
from sandbox.engine.calendar import period
from sandbox.engine.changes import emit_updated, snapshot
from sandbox.engine.drafts import Draft
from sandbox.errors import ApiError
from sandbox.events import emit
from sandbox.store import store


def due_at(subscription: dict) -> int:
    """When the next item's period ends."""
    return min(item["current_period_end"] for item in items.of(subscription))


def advance(subscription: dict, *, recurring: bool = False) -> Draft:
    """Move the items whose period has ended into their next one; the invoice that bills it.

    A schedule's phase that starts now is entered first, without proration. `recurring` leaves
    pending items out. A preview calls this too, at the time of the renewal, and undoes it.
    """
    now = clock.now()
    customer = store.get("customer", subscription["customer"])
    if subscription["status"] == "trialing":
        subscription["status"] = "active"
    enter_phase(subscription)
    start = now
    due = []
    for item in items.of(subscription):
        if item["current_period_end"] <= now:
            start = min(start, item["current_period_start"])
            _next_period(item, subscription, now)
            store.save(item)
            due.append(item)
    store.save(subscription)
    draft = Draft(
        customer, subscription["currency"], "subscription_cycle", subscription, (start, now)
    )
    if not recurring:
        draft.add_pending()
    for item in due:
        draft.add_item(item)
    return draft


def _next_period(item: dict, subscription: dict, now: int) -> None:
    interval, count = items.interval(item)
    start, _ = period(subscription["billing_cycle_anchor"], interval, count, now)
    # An item that moved to another interval at its renewal starts a cycle of its own.
    if start != now:
        subscription["billing_cycle_anchor"] = now
    item["_billed"] = None
    items.set_period(item, subscription["billing_cycle_anchor"], now)


def enter_phase(subscription: dict) -> None:
    """Where a phase of the subscription's schedule starts exactly now, take over its items."""
    schedule = phases.schedule_of(subscription)
    if not schedule:
        return
    phase = phases.phase_at(schedule, clock.now())
    if phase is None or phase["start_date"] != clock.now():
        return
    params = phases.update_params(items.of(subscription), phase)
    params.pop("billing_cycle_anchor", None)
    params["items"] = [item | {"_set_down": True} for item in params.get("items") or []]
    phases.enter(schedule, phase)
    revising.apply(subscription, params | {"proration_behavior": "none"} | _keep_cycle(params))


def _keep_cycle(params: dict) -> dict:
    return {} if "trial_end" in params else {"billing_cycle_anchor": {"type": "unchanged"}}


def run(subscription: dict) -> None:
    """Renew the subscription, or end it where that was asked for."""
    now = clock.now()
    if subscription["cancel_at"] and subscription["cancel_at"] <= now:
        ending.end_on_schedule(subscription)
        return
    if subscription["status"] == "trialing" and _without_method(subscription):
        return
    before = snapshot(subscription)
    draft = advance(subscription)
    paused = subscription["pause_collection"]
    if draft.lines:
        # An unpaid subscription's invoices are made, and left for somebody to look at.
        held = bool(paused) or subscription["status"] == "unpaid"
        invoice = collecting.leave_draft(draft, held=held)
        if paused and paused["behavior"] != "keep_as_draft":
            _close(invoice, paused["behavior"])
    subscription = store.get("subscription", subscription["id"])
    emit_updated("customer.subscription.updated", subscription, before)


def _without_method(subscription: dict) -> bool:
    """Cancel or pause a subscription whose trial ends without a payment method, if it says so."""
    behavior = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    customer = store.get("customer", subscription["customer"])
    if behavior == "create_invoice" or saving.default_of(customer, subscription):
        return False
    if behavior == "cancel":
        ending.end(subscription)
        return True
    before = snapshot(subscription)
    why = "trial_end_without_payment_method"
    subscription.update(status="paused", status_details=pausing.details(why))
    store.save(subscription)
    emit("customer.subscription.paused", subscription)
    emit_updated("customer.subscription.updated", subscription, before)
    return True


def _close(invoice: dict, behavior: str) -> None:
    invoice = invoicing.finalize(invoice)
    if invoice["status"] == "open":
        close = invoicing.void if behavior == "void" else invoicing.mark_uncollectible
        close(invoice)


def finalize_due(invoice: dict) -> None:
    """Finalize a draft whose hour has passed, and attempt it."""
    collecting.collect(invoicing.finalize(invoice), off_session=True)


def retry(invoice: dict) -> None:
    """Try an open invoice again, as its retry schedule says."""
    paying.retry(invoice)


def upcoming(subscription: dict) -> int:
    """When the next invoice will be made; ApiError 404 when there will be none."""
    at = due_at(subscription) if running(subscription) else None
    ends = subscription["cancel_at"] is not None and at is not None
    if at is None or (ends and subscription["cancel_at"] <= at):
        raise ApiError(
            404,
            f"No upcoming invoices for customer: {subscription['customer']}",
            code="invoice_upcoming_none",
        )
    return at


def running(subscription: dict) -> bool:
    """Whether the subscription renews at all."""
    return subscription["status"] in ("trialing", "active", "past_due", "unpaid")

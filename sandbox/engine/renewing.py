"""Renewals: the next period of a subscription and the invoice for it."""

from sandbox import clock
from sandbox.engine import (
    collecting,
    ending,
    invoicing,
    items,
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

# Retries of a failed renewal, in days after the first attempt: eight tries in two weeks.
RETRY_DAYS = (1, 3, 5, 7, 9, 11, 14)
DAY = 86_400


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
        invoice = collecting.leave_draft(draft)
        if paused:
            _hold_back(invoice, paused["behavior"])
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
    subscription["status"] = "paused"
    subscription["status_details"] = {
        "paused": {
            "subscription": {"type": "trial_end_without_payment_method"},
            "transitioned_at": clock.now(),
            "type": "subscription",
        }
    }
    store.save(subscription)
    emit("customer.subscription.paused", subscription)
    emit_updated("customer.subscription.updated", subscription, before)
    return True


def _hold_back(invoice: dict, behavior: str) -> None:
    before = snapshot(invoice)
    invoice.update(auto_advance=False, automatically_finalizes_at=None, next_payment_attempt=None)
    store.save(invoice)
    emit_updated("invoice.updated", invoice, before)
    if behavior != "keep_as_draft":
        invoice = invoicing.finalize(invoice)
        if invoice["status"] == "open":
            close = invoicing.void if behavior == "void" else invoicing.mark_uncollectible
            close(invoice)


def finalize_due(invoice: dict) -> None:
    """Finalize a draft whose hour has passed, and attempt it."""
    invoice = invoicing.finalize(invoice)
    invoice = collecting.collect(invoice, off_session=True)
    if invoice["status"] == "open" and invoice["collection_method"] == "charge_automatically":
        plan_retry(invoice)


def retry(invoice: dict) -> None:
    """Try an open invoice again, as its retry schedule says."""
    before = snapshot(invoice)
    attempts = invoice["attempt_count"] + 1
    invoice.update(attempt_count=attempts, next_payment_attempt=None)
    store.save(invoice)
    emit_updated("invoice.updated", invoice, before)
    invoice = paying.attempt(invoice, paying.method_for(invoice), off_session=True)
    if invoice["status"] == "open":
        plan_retry(invoice)


def plan_retry(invoice: dict) -> None:
    """Set the next attempt, or, after the last, end the subscription."""
    intent = invoicing.intent_of(invoice)
    if intent and intent["status"] == "processing":
        return
    before = snapshot(invoice)
    first = invoice.setdefault("_first_failure", clock.now())
    count = invoice["attempt_count"]
    if count <= len(RETRY_DAYS):
        invoice["next_payment_attempt"] = first + RETRY_DAYS[count - 1] * DAY
        store.save(invoice)
        emit_updated("invoice.updated", invoice, before)
        return
    store.save(invoice)
    id = invoicing.subscription_id(invoice)
    subscription = store.find("subscription", id or "")
    if subscription and subscription["status"] not in ending.ENDED:
        ending.end(subscription, "payment_failed")


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

"""Subscriptions paused on request, and taken up again. Source: Stripe's "Pause subscriptions"."""

from sandbox import clock
from sandbox.engine import collecting, items, paying, proration, revising, saving, standing
from sandbox.engine.changes import emit_updated, snapshot
from sandbox.engine.drafts import Draft
from sandbox.engine.standing import Former
from sandbox.errors import ApiError
from sandbox.events import emit
from sandbox.store import store

PAUSABLE = ("active", "past_due", "unpaid")
# How long a resumption waits for its payment, in seconds.
ON_ATTEMPT = 23 * 3600
ON_SUCCESS = 365 * 86_400


def pause(subscription: dict, params: dict) -> dict:
    """The paused subscription; by default its unused time becomes a credit on the next invoice.

    Older invoices go on being collected. ApiError 400 for a subscription that cannot pause.
    """
    _check_pausable(subscription)
    before = snapshot(subscription)
    if subscription.get("_pending"):
        standing.drop_update(subscription)
        subscription = store.get("subscription", subscription["id"])
    draft = prepare_pause(subscription, params)
    if params.get("invoicing_behavior") == "invoice" and draft.lines:
        collecting.issue(draft, off_session=True)
    subscription = store.get("subscription", subscription["id"])
    subscription.update(status="paused", status_details=details("pause_requested"))
    store.save(subscription)
    emit("customer.subscription.paused", subscription)
    emit_updated("customer.subscription.updated", subscription, before)
    return subscription


def details(why: str) -> dict:
    """The `status_details` of a subscription that pauses now."""
    return {
        "paused": {
            "subscription": {"type": why},
            "transitioned_at": clock.now(),
            "type": "subscription",
        }
    }


def _check_pausable(subscription: dict) -> None:
    reason = None
    if subscription["status"] not in PAUSABLE:
        reason = f"its status is `{subscription['status']}`"
    elif subscription["billing_mode"]["type"] != "flexible":
        reason = "its `billing_mode.type` is not `flexible`"
    elif subscription["collection_method"] != "charge_automatically":
        reason = "it uses `send_invoice` collection"
    elif subscription["schedule"]:
        reason = f"it is managed by the subscription schedule `{subscription['schedule']}`"
    if reason:
        raise ApiError(400, f"You cannot pause this subscription because {reason}.")


def prepare_pause(subscription: dict, params: dict) -> Draft:
    """The draft that bills a pause now: credits for unused time among what is pending.

    The items' periods end here. A preview calls this too, and undoes it.
    """
    now = clock.now()
    unused = ((params.get("bill_for") or {}).get("unused_time_from") or {"type": "now"})["type"]
    for item in items.of(subscription):
        if unused != "none":
            start = item["current_period_start"]
            proration.credit(item, subscription, now if unused == "now" else start)
            item["_billed"] = None
        item["current_period_end"] = max(now, item["current_period_start"] + 1)
        store.save(item)
    customer = store.get("customer", subscription["customer"])
    draft = Draft(customer, subscription["currency"], "subscription_update", subscription)
    draft.add_pending()
    return draft


def resume(subscription: dict, params: dict) -> dict:
    """The subscription after the request to resume it.

    Without anything to bill it is active at once. Else it stays paused until its invoice is paid
    or forgiven: with resume_on_payment_success the payment is attempted here, by default it waits
    23 hours for somebody to attempt it, and a failure leaves the subscription past due.
    ApiError 400 when it is not paused, or has no payment method to charge.
    """
    check_resumable(subscription)
    if subscription.get("_pending"):
        standing.drop_update(subscription)
        subscription = store.get("subscription", subscription["id"])
    before = snapshot(subscription)
    former = Former.of(subscription)
    draft = prepare_resumption(subscription, params)
    if draft is None or not draft.compute()["amount_due"]:
        _activate(subscription["id"], draft, before)
    else:
        _wait_for_payment(subscription, draft, params, former, before)
    return store.get("subscription", subscription["id"])


def check_resumable(subscription: dict) -> None:
    """ApiError 400 when the subscription is not paused, or is not collected automatically."""
    if subscription["status"] != "paused":
        raise ApiError(400, "You cannot resume this subscription because it is not paused.")
    if subscription["collection_method"] != "charge_automatically":
        raise ApiError(
            400, "You cannot resume this subscription because it uses `send_invoice` collection."
        )


def prepare_resumption(subscription: dict, params: dict) -> Draft | None:
    """The subscription's items in their new periods, and the draft that bills them now, if any.

    A preview calls this too, and undoes it.
    """
    anchor = (params.get("billing_cycle_anchor") or {"type": "now"})["type"]
    subscription.update(status="active", status_details=None)
    if subscription["trial_end"] and subscription["trial_end"] > clock.now():
        subscription["trial_end"] = clock.now()
    store.save(subscription)
    if anchor == "now":
        cycle = {"billing_cycle_anchor": {"type": "now"}, "proration_behavior": "none"}
        return _some(revising.draft_of(revising.apply(subscription, cycle), {}))
    behavior = params.get("proration_behavior", "create_prorations")
    change = revising.Change(subscription, at=params.get("proration_date") or clock.now())
    for item in items.of(subscription):
        _take_up(item, subscription, change.at, prorate=behavior != "none")
    return _some(revising.draft_of(change, {})) if behavior == "always_invoice" else None


def _some(draft: Draft) -> Draft | None:
    return draft if draft.lines else None


def _take_up(item: dict, subscription: dict, at: int, *, prorate: bool) -> None:
    """Put the item back into the cycle it had; what of it was paid for is not billed again."""
    start, end = items.full_period(item, subscription["billing_cycle_anchor"], clock.now())
    item.update(current_period_start=max(start, at), current_period_end=end)
    paid_for = (item.get("_billed") or {}).get("end", 0) >= end
    if prorate and not paid_for:
        proration.debit(item, subscription, at)
    store.save(item)


def _activate(id: str, draft: Draft | None, before: dict) -> None:
    if draft is not None:
        collecting.issue(draft)
    subscription = store.get("subscription", id)
    emit("customer.subscription.resumed", subscription)
    emit_updated("customer.subscription.updated", subscription, before)


def _wait_for_payment(subscription, draft, params, former, before) -> None:
    at_once = params.get("payment_behavior") == "resume_on_payment_success"
    customer = store.get("customer", subscription["customer"])
    if at_once and saving.default_of(customer, subscription) is None:
        raise ApiError(400, paying.NO_METHOD, code="resource_missing", keep=False)
    # Without an attempt here the failed ones are not tried again either.
    draft.invoice.update(_holds_update=True, _retried=at_once, auto_advance=at_once)
    invoice = collecting.issue(draft, charge=False)
    expires_at = clock.now() + (ON_SUCCESS if at_once else ON_ATTEMPT)
    subscription = store.get("subscription", subscription["id"])
    held = standing.put_off(subscription, former, invoice, expires_at, on_attempt=not at_once)
    emit_updated("customer.subscription.updated", held, before)
    if at_once:
        collecting.collect(invoice, off_session=True)

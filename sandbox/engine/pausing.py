"""Subscriptions paused on request, and taken up again."""

from sandbox import clock
from sandbox.engine import collecting, items, proration, revising
from sandbox.engine.changes import emit_updated, snapshot
from sandbox.engine.drafts import Draft
from sandbox.errors import ApiError
from sandbox.events import emit
from sandbox.store import store

PAUSABLE = ("active", "past_due", "trialing", "unpaid")


def pause(subscription: dict, params: dict) -> dict:
    """The paused subscription; by default its unused time becomes a credit on the next invoice.

    ApiError 400 when it does not run or its billing mode is classic.
    """
    if subscription["status"] not in PAUSABLE or subscription["billing_mode"]["type"] != "flexible":
        raise ApiError(
            400,
            "You cannot pause this subscription: it must be running, with `billing_mode.type` "
            "`flexible`.",
        )
    before = snapshot(subscription)
    now = clock.now()
    unused = (params.get("bill_for") or {}).get("unused_time_from") or {"type": "now"}
    if unused["type"] != "none" and subscription["status"] != "trialing":
        for item in items.of(subscription):
            start = item["current_period_start"]
            proration.credit(item, subscription, now if unused["type"] == "now" else start)
            item["_billed"] = None
            store.save(item)
    if params.get("invoicing_behavior") == "invoice":
        customer = store.get("customer", subscription["customer"])
        draft = Draft(customer, subscription["currency"], "subscription_update", subscription)
        draft.add_pending()
        if draft.lines:
            collecting.issue(draft, off_session=True)
    subscription = store.get("subscription", subscription["id"])
    subscription["status"] = "paused"
    subscription["status_details"] = {
        "paused": {
            "subscription": {"type": "pause_requested"},
            "transitioned_at": now,
            "type": "subscription",
        }
    }
    store.save(subscription)
    emit("customer.subscription.paused", subscription)
    emit_updated("customer.subscription.updated", subscription, before)
    return subscription


def resume(subscription: dict, params: dict) -> dict:
    """The subscription, active again in a cycle that starts now, its first invoice attempted.

    ApiError 400 when it is not paused.
    """
    if subscription["status"] != "paused":
        raise ApiError(
            400,
            "You cannot resume this subscription because it is not paused.",
        )
    before = snapshot(subscription)
    subscription.update(status="active", status_details=None)
    if subscription["trial_end"] and subscription["trial_end"] > clock.now():
        subscription["trial_end"] = clock.now()
    store.save(subscription)
    change = revising.apply(
        subscription,
        {
            "billing_cycle_anchor": {"type": "now"},
            "proration_behavior": params.get("proration_behavior", "create_prorations"),
        },
    )
    draft = revising.draft_of(change, {})
    if draft.lines:
        collecting.issue(draft, off_session=True)
    subscription = store.get("subscription", subscription["id"])
    emit("customer.subscription.resumed", subscription)
    emit_updated("customer.subscription.updated", subscription, before)
    return subscription

"""Paused subscriptions take up again."""

from sandbox import clock
from sandbox.engine import collecting, revising
from sandbox.engine.changes import emit_updated, snapshot
from sandbox.errors import ApiError
from sandbox.events import emit
from sandbox.store import store


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

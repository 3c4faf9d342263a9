"""Updating a subscription: what may be changed when, and the payment it takes."""

from sandbox import clock
from sandbox.engine import collecting, ending, invoicing, paying, revising, standing
from sandbox.engine.changes import emit_updated, snapshot
from sandbox.engine.standing import Former
from sandbox.errors import ApiError
from sandbox.store import store

# How long a pending update waits for its payment, in seconds.
PENDING_UPDATE = 23 * 3600
# What may still be changed before the first payment, and after the end.
WHILE_INCOMPLETE = {"metadata", "default_payment_method", "cancellation_details", "expand"}
# A change of these takes the place of one that still waits for its payment.
REPLACES_PENDING = {"add_invoice_items", "billing_cycle_anchor", "items", "trial_end"}
# What `pending_if_incomplete` can put off. Source: Stripe's "Pending updates reference".
CAN_WAIT = REPLACES_PENDING | {
    "expand", "off_session", "payment_behavior", "proration_behavior", "proration_date",
    "trial_from_plan",
}  # fmt: skip
AFTER_END = {"metadata", "cancellation_details", "expand"}


def update(subscription: dict, params: dict) -> dict:
    """The subscription after the update and, where it bills now, after the attempted payment.

    ApiError 400 for what cannot be changed; 402 with error_if_incomplete when the payment does not
    go through, and nothing is changed then.
    """
    check_allowed(subscription, params)
    before = snapshot(subscription)
    if subscription.get("_pending") and set(params) & REPLACES_PENDING:
        standing.drop_update(subscription)
        subscription = store.get("subscription", subscription["id"])
    former = Former.of(subscription)
    change = revising.apply(subscription, params)
    if change.bill_now:
        draft = revising.draft_of(change, params)
        if draft.lines:
            _bill(draft, params, former)
    subscription = store.get("subscription", subscription["id"])
    emit_updated("customer.subscription.updated", subscription, before)
    return subscription


def check_allowed(subscription: dict, params: dict) -> None:
    """ApiError 400 when the subscription's status or its schedule forbids the update."""
    if subscription["status"] in ending.ENDED and set(params) - AFTER_END:
        raise ApiError(
            400,
            "A canceled subscription can only update its cancellation_details and metadata.",
        )
    refused = set(params) - WHILE_INCOMPLETE
    if subscription["status"] == "incomplete" and refused:
        raise ApiError(
            400,
            "You can not update a subscription in `incomplete` status in a way that results in "
            "a new invoice or a new price. Pay the first invoice, or cancel it.",
            param=sorted(refused)[0],
        )
    unfit = set(params) - CAN_WAIT
    if params.get("payment_behavior") == "pending_if_incomplete" and unfit:
        raise ApiError(
            400,
            "A pending update holds changes of price only: "
            f"`{sorted(unfit)[0]}` does not go with `payment_behavior=pending_if_incomplete`.",
            param=sorted(unfit)[0],
        )
    if subscription["status"] == "paused" and set(params) & REPLACES_PENDING - {"items"}:
        raise ApiError(
            400,
            "You cannot change the billing of a paused subscription. Resume it first.",
            param=sorted(set(params) & REPLACES_PENDING - {"items"})[0],
        )
    if subscription["schedule"] and ("cancel_at" in params or "cancel_at_period_end" in params):
        raise ApiError(
            400,
            "The subscription is managed by the subscription schedule "
            f"`{subscription['schedule']}`, and updating any cancelation behavior directly is not "
            "allowed. Please update the schedule instead.",
        )


def _bill(draft, params: dict, former: Former) -> None:
    subscription = draft.subscription
    behavior = params.get("payment_behavior", "allow_incomplete")
    automatic = subscription["collection_method"] == "charge_automatically"
    draft.invoice["_holds_update"] = behavior == "pending_if_incomplete"
    invoice = collecting.issue(
        draft,
        charge=behavior != "default_incomplete",
        off_session=bool(params.get("off_session")),
    )
    intent = invoicing.intent_of(invoice)
    accepted = intent is not None and intent["status"] == "processing"
    if invoice["status"] != "open" or not automatic or accepted:
        return
    if behavior == "error_if_incomplete":
        if paying.method_for(invoice) is None:
            raise ApiError(400, paying.NO_METHOD, code="resource_missing", keep=False)
        raise collecting.refusal(invoice, "subscription", keep=False)
    if behavior == "pending_if_incomplete":
        subscription = store.get("subscription", subscription["id"])
        standing.hold_update(subscription, former, invoice, clock.now() + PENDING_UPDATE)
    elif behavior == "default_incomplete":
        standing.payment_failed(invoice)

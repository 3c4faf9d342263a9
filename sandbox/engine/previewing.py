"""Invoices as they would be: the real change is made, its invoice kept, and everything undone."""

from sandbox import clock
from sandbox.engine import (
    discounting,
    ending,
    entries,
    items,
    pausing,
    proration,
    renewing,
    revising,
    schedules,
    subscribing,
)
from sandbox.engine.changing import check_allowed
from sandbox.engine.drafts import Draft
from sandbox.errors import ApiError
from sandbox.resources import customers
from sandbox.store import new_id, store


class _Undo(Exception):
    """Leaves the savepoint of a preview."""


def preview(params: dict) -> dict:
    """The next invoice for the parameters of create_preview, with its lines in `_lines`, and in
    `_bills_now` whether the change would be billed at once.

    ApiError 404 when there would be none, 400 for a change that would be refused.
    """
    found: list[dict] = []
    try:
        with store.savepoint():
            found.append(_computed(_draft(params), params))
            raise _Undo
    except _Undo:
        return found[0]


def _computed(draft: Draft, params: dict) -> dict:
    if params.get("discounts") is not None and not draft.subscription:
        draft.invoice["discounts"] = discounting.create(
            params["discounts"], draft.customer, invoice=draft.invoice["id"]
        )
    for entry in params.get("invoice_items") or []:
        draft.add_entry(entries.new_entry(draft.customer, _entry(entry, draft)))
    details = params.get("customer_details") or {}
    if details.get("tax_exempt"):
        draft.customer["tax_exempt"] = details["tax_exempt"]
    invoice = draft.compute()
    invoice["id"] = new_id("upcoming_in")
    for line in draft.lines:
        line["invoice"] = invoice["id"]
    invoice["_lines"] = draft.lines
    invoice["ending_balance"] = None
    if invoice["collection_method"] == "charge_automatically":
        late = 3600 if invoice["billing_reason"] == "subscription_cycle" else 0
        invoice["next_payment_attempt"] = invoice["created"] + late
    invoice["_bills_now"] = invoice["billing_reason"] == "subscription_update"
    invoice["billing_reason"] = "upcoming"
    return invoice


def _entry(entry: dict, draft: Draft) -> dict:
    return {"currency": draft.invoice["currency"], **entry}


def _draft(params: dict) -> Draft:
    if params.get("schedule") or params.get("schedule_details"):
        return _of_schedule(params)
    details = dict(params.get("subscription_details") or {})
    if params.get("discounts") is not None:
        details["discounts"] = params["discounts"]
    if params.get("subscription"):
        subscription = store.need("subscription", params["subscription"], "subscription")
        return _of_subscription(subscription, details, params)
    customer = _customer(params)
    if details.get("items"):
        return _of_new(customer, details, params)
    return _of_customer(customer, params)


def _customer(params: dict) -> dict:
    if params.get("customer"):
        return store.need("customer", params["customer"], "customer")
    if params.get("customer_details") is not None:
        return _passing_customer(params)
    raise ApiError(
        400, "Missing required param: customer.", code="parameter_missing", param="customer"
    )


def _passing_customer(params: dict) -> dict:
    """A customer who exists for this preview only."""
    details = params["customer_details"]
    kept = {name: details[name] for name in ("address", "tax_exempt") if details.get(name)}
    return customers.create(kept)


def _of_subscription(subscription: dict, details: dict, params: dict) -> Draft:
    recurring = params.get("preview_mode") == "recurring"
    if details.pop("cancel_now", False):
        return _of_cancellation(subscription, details)
    details.pop("billing_mode", None)
    if details.get("resume_at"):
        pausing.check_resumable(subscription)
        return _some(pausing.prepare_resumption(subscription, details), subscription)
    if details.get("pause"):
        pause = details.pop("pause")
        draft = pausing.prepare_pause(subscription, pause)
        # A pause that leaves its credits pending makes no invoice that could be shown.
        billed = pause.get("invoicing_behavior") == "invoice"
        return _some(draft if billed and draft.lines else None, subscription)
    if details.get("start_date"):
        raise ApiError(
            400, "The sandbox does not preview this change.", param="subscription_details"
        )
    if details:
        check_allowed(subscription, details)
        change = revising.apply(subscription, details)
        if change.bill_now and not recurring:
            return revising.draft_of(change, details)
        subscription = store.get("subscription", subscription["id"])
    return next_renewal(subscription, recurring=recurring)


def _some(draft: Draft | None, subscription: dict) -> Draft:
    if draft is None:
        raise ApiError(
            404,
            f"No upcoming invoices for customer: {subscription['customer']}",
            code="invoice_upcoming_none",
        )
    return draft


def next_renewal(subscription: dict, *, recurring: bool = False) -> Draft:
    """The invoice of the subscription's next renewal, made at its time."""
    with clock.at(renewing.upcoming(subscription)):
        draft = renewing.advance(subscription, recurring=recurring)
        draft.compute()
    return _some(draft if draft.lines else None, subscription)


def _of_cancellation(subscription: dict, details: dict) -> Draft:
    at = details.get("proration_date") or clock.now()
    if details.get("proration_behavior") != "none" and subscription["status"] != "trialing":
        for item in items.of(subscription):
            proration.credit(item, subscription, at)
    customer = store.get("customer", subscription["customer"])
    draft = Draft(customer, subscription["currency"], "subscription_update", subscription)
    draft.add_pending()
    ended = subscription["status"] in ending.ENDED
    return _some(draft if draft.lines and not ended else None, subscription)


def _of_new(customer: dict, details: dict, params: dict) -> Draft:
    anchor = details.get("billing_cycle_anchor") or {}
    given = {
        name: details[name]
        for name in (
            "billing_mode", "cancel_at", "cancel_at_period_end", "default_tax_rates", "discounts",
            "items", "metadata", "proration_behavior", "trial_end",
        )
        if name in details
    }  # fmt: skip
    if anchor.get("timestamp"):
        given["billing_cycle_anchor"] = anchor["timestamp"]
    if params.get("currency"):
        given["currency"] = params["currency"]
    subscription, draft = subscribing.prepare(customer, given)
    if params.get("preview_mode") == "recurring":
        return next_renewal(subscription, recurring=True)
    return draft


def _of_customer(customer: dict, params: dict) -> Draft:
    """Without a subscription named: the customer's earliest renewal, else their pending items."""
    running = [
        one for one in store.all("subscription", customer=customer["id"]) if renewing.running(one)
    ]
    if running:
        earliest = min(running, key=renewing.due_at)
        return next_renewal(earliest, recurring=params.get("preview_mode") == "recurring")
    currency = params.get("currency") or customer["currency"] or "usd"
    draft = Draft(customer, currency.lower(), "manual")
    draft.add_pending()
    if not draft.lines and not params.get("invoice_items"):
        raise ApiError(
            404,
            f"No upcoming invoices for customer: {customer['id']}",
            code="invoice_upcoming_none",
        )
    return draft


def _of_schedule(params: dict) -> Draft:
    details = params.get("schedule_details") or {}
    recurring = params.get("preview_mode") == "recurring"
    if not params.get("schedule"):
        customer = _customer(params)
        schedule = schedules.create({"customer": customer["id"], **details})
    else:
        schedule = store.need("subscription_schedule", params["schedule"], "schedule")
        invoices = len(store.all("invoice", subscription=schedule["subscription"] or ""))
        if details.get("phases"):
            schedule = schedules.update(schedule, details)
        made = store.all("invoice", subscription=schedule["subscription"] or "")
        if len(made) > invoices:
            return Draft.stored(made[-1])
    if not schedule["subscription"]:
        raise ApiError(404, "No upcoming invoices for this schedule.", code="invoice_upcoming_none")
    return next_renewal(store.get("subscription", schedule["subscription"]), recurring=recurring)

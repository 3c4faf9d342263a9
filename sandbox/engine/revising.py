"""A subscription's items, cycle and trial rewritten, with the prorations that come of it."""

from dataclasses import dataclass, field

from sandbox import clock
from sandbox.engine import discounting, ending, items, phases, proration, subscribing, terms
from sandbox.engine.drafts import Draft
from sandbox.errors import ApiError
from sandbox.store import store


@dataclass
class Change:
    """What was done to the stored documents, and what is to be billed for it now.

    `full` holds items whose new period is billed whole, for free when `trial`; `at` is the time
    that prorations are counted from.
    """

    subscription: dict
    at: int
    bill_now: bool = False
    full: list[dict] = field(default_factory=list)
    trial: bool = False


@dataclass
class Edit:
    """What `items[]` asked for: items that stay, those of them that are new or cost something
    else, those removed, and whether any moved to another billing interval."""

    kept: list[dict]
    touched: list[dict] = field(default_factory=list)
    removed: list[dict] = field(default_factory=list)
    interval_changed: bool = False


def apply(subscription: dict, params: dict) -> Change:
    """Make the change in the store, prorations as pending invoice items, nothing billed yet.

    ApiError 400 for parameters that cannot be.
    """
    now = clock.now()
    customer = store.get("customer", subscription["customer"])
    change = Change(subscription, at=_proration_date(subscription, params, now))
    free_before = _is_free(items.of(subscription), subscription)
    terms.apply(subscription, params, customer)
    edit = _edit(subscription, params, customer, now)
    behavior = params.get("proration_behavior", "create_prorations")
    if subscription["status"] == "paused":
        behavior = "none"  # nothing is billed for a pause
    if _starts_trial(subscription, params, now):
        _begin_trial(change, edit, params["trial_end"], behavior != "none")
    elif _resets(subscription, params, edit, free_before):
        _restart(change, edit, behavior != "none")
    elif subscription["status"] != "trialing" and behavior != "none":
        _prorate(change, edit)
        change.bill_now = behavior == "always_invoice" and bool(edit.touched or edit.removed)
    for item in edit.removed:
        store.delete(item)
    for item in edit.kept:
        _put(item)
    ending.schedule_cancellation(subscription, edit.kept, params)
    if subscription["cancel_at_period_end"]:
        subscription["cancel_at"] = ending.period_end(edit.kept)
    store.save(subscription)
    change.bill_now = change.bill_now or bool(params.get("add_invoice_items"))
    phases.follow_subscription(subscription, edit.kept)
    return change


def draft_of(change: Change, params: dict) -> Draft:
    """The invoice that bills the change now: pending items, prorations first, then new periods."""
    subscription = store.get("subscription", change.subscription["id"])
    customer = store.get("customer", subscription["customer"])
    start = min(item["current_period_start"] for item in items.of(subscription))
    draft = Draft(
        customer,
        subscription["currency"],
        "subscription_update",
        subscription,
        (start, clock.now()),
    )
    draft.invoice["parent"]["subscription_details"]["subscription_proration_date"] = change.at
    draft.add_pending()
    for item in change.full:
        draft.add_item(item, trial=change.trial)
    subscribing.add_extras(draft, subscription, params.get("add_invoice_items"), clock.now())
    return draft


def _put(item: dict) -> None:
    if store.find("subscription_item", item["id"]):
        store.save(item)
    else:
        store.insert("subscription_item", item)


def _is_free(entries: list[dict], subscription: dict) -> bool:
    return not any(items.amount(item, subscription["currency"]) for item in entries)


def _proration_date(subscription: dict, params: dict, now: int) -> int:
    at = params.get("proration_date")
    if at is None:
        return now
    entries = items.of(subscription)
    start = min(item["current_period_start"] for item in entries)
    end = max(item["current_period_end"] for item in entries)
    if not start <= at <= end:
        raise ApiError(
            400,
            "Cannot specify proration_date outside of current period",
            param="proration_date",
        )
    return at


def _edit(subscription: dict, params: dict, customer: dict, now: int) -> Edit:
    edit = Edit(kept=items.of(subscription))
    for index, spec in enumerate(params.get("items") or []):
        param = f"items[{index}]"
        if not spec.get("id"):
            item = items.build(subscription, spec, customer, param, now)
            item["current_period_start"] = max(item["current_period_start"], now)
            edit.kept.append(item)
            edit.touched.append(item)
            continue
        item = _own(edit.kept, spec["id"], param)
        interval = items.interval(item)
        if spec.get("deleted"):
            edit.kept.remove(item)
            edit.removed.append(item)
        elif _change(item, spec, subscription, customer, param):
            edit.touched.append(item)
            edit.interval_changed |= items.interval(item) != interval
    _check(edit.kept)
    return edit


def _check(kept: list[dict]) -> None:
    prices = [item["price"]["id"] for item in kept]
    twice = next((id for id in prices if prices.count(id) > 1), None)
    if twice:
        raise ApiError(
            400,
            f"Cannot add multiple subscription items with the same plan: {twice}",
            param="items",
        )
    if not kept:
        raise ApiError(
            400,
            "A subscription must have at least one active plan. If you want to cancel the "
            "subscription, delete it instead.",
            param="items",
        )
    if len(kept) > subscribing.MOST_ITEMS:
        raise ApiError(
            400,
            f"You may only have up to {subscribing.MOST_ITEMS} items on a subscription.",
            param="items",
        )


def _own(kept: list[dict], id: str, param: str) -> dict:
    for item in kept:
        if item["id"] == id:
            return item
    raise ApiError(
        400,
        f"No such subscription_item: '{id}'",
        code="resource_missing",
        param=f"{param}[id]",
    )


def _change(item, spec, subscription, customer, param) -> bool:
    """Apply one entry of `items`; True when price or quantity differ now."""
    former = (item["price"]["id"], item["quantity"])
    if any(spec.get(name) for name in ("price", "plan", "price_data")):
        current = spec.get("price") == item["price"]["id"]
        price = (
            item["price"] if current else items.price_from(spec, subscription["currency"], param)
        )
        items.set_price(item, price)
    if "quantity" in spec:
        item["quantity"] = spec["quantity"]
    if "tax_rates" in spec:
        item["tax_rates"] = items.tax_rates(spec["tax_rates"])
    if "discounts" in spec:
        item["discounts"] = discounting.create(
            spec["discounts"],
            customer,
            subscription=subscription["id"],
            subscription_item=item["id"],
        )
    if "metadata" in spec:
        item["metadata"] = {**item["metadata"], **(spec["metadata"] or {})}
    return former != (item["price"]["id"], item["quantity"])


def _starts_trial(subscription: dict, params: dict, now: int) -> bool:
    end = params.get("trial_end")
    if end in (None, "now"):
        return False
    if end <= now:
        raise ApiError(
            400,
            "Invalid timestamp: must be an integer Unix timestamp in the future.",
            param="trial_end",
        )
    return end != subscription["trial_end"] or subscription["status"] != "trialing"


def _resets(subscription: dict, params: dict, edit: Edit, free_before: bool) -> bool:
    """Whether a new billing cycle starts now: asked for, the trial ended, an item moved to
    another interval, or a free subscription became a paid one."""
    asked = (params.get("billing_cycle_anchor") or {}).get("type")
    trialing = subscription["status"] == "trialing"
    if asked == "now" or (trialing and params.get("trial_end") == "now"):
        return True
    if trialing or asked == "unchanged" or subscription["status"] == "paused":
        return False
    becomes_paid = bool(edit.touched) and free_before and not _is_free(edit.kept, subscription)
    return edit.interval_changed or becomes_paid


def _begin_trial(change: Change, edit: Edit, end: int, prorate: bool) -> None:
    subscription = change.subscription
    _credit_all(change, edit, prorate)
    if subscription["status"] != "trialing":
        subscription["trial_start"] = clock.now()
    subscription.update(status="trialing", trial_end=end, billing_cycle_anchor=end)
    for item in edit.kept:
        item.update(current_period_start=clock.now(), current_period_end=end)
    change.full, change.trial, change.bill_now = edit.kept, True, True


def _restart(change: Change, edit: Edit, prorate: bool) -> None:
    subscription, now = change.subscription, clock.now()
    _credit_all(change, edit, prorate)
    if subscription["status"] == "trialing":
        subscription.update(status="active", trial_end=now)
    subscription["billing_cycle_anchor"] = now
    for item in edit.kept:
        items.set_period(item, now, now)
    change.full, change.bill_now = edit.kept, True


def _credit_all(change: Change, edit: Edit, prorate: bool) -> None:
    for item in [*edit.removed, *edit.kept]:
        if prorate:
            proration.credit(item, change.subscription, change.at)
        item["_billed"] = None


def _prorate(change: Change, edit: Edit) -> None:
    for item in edit.removed:
        proration.credit(item, change.subscription, change.at)
    for item in edit.touched:
        proration.credit(item, change.subscription, change.at)
        proration.debit(item, change.subscription, change.at)

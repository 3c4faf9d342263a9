"""The phases of a subscription schedule, and how a subscription moves through them."""

from sandbox import clock
from sandbox.engine.changes import emit_updated, snapshot
from sandbox.events import emit
from sandbox.store import store


def schedule_of(subscription: dict) -> dict | None:
    """The active schedule of a subscription."""
    schedule = store.find("subscription_schedule", subscription["schedule"] or "")
    return schedule if schedule and schedule["status"] == "active" else None


def phase_at(schedule: dict, at: int) -> dict | None:
    """The phase that is in force at `at`."""
    for phase in schedule["phases"]:
        if phase["start_date"] <= at < phase["end_date"]:
            return phase
    return None


def same_items(entries: list[dict], phase: dict) -> bool:
    """Whether a subscription's items are those of the phase."""
    have = sorted((item["price"]["id"], item["quantity"] or 0) for item in entries)
    want = sorted((item["price"], item["quantity"] or 0) for item in phase["items"])
    return have == want


def item_specs(entries: list[dict], phase: dict) -> list[dict]:
    """The `items` of an update that brings a subscription's items to those of the phase."""
    left = list(entries)
    specs, unmatched = [], []
    for wanted in phase["items"]:
        same = next((item for item in left if item["price"]["id"] == wanted["price"]), None)
        if same is None:
            unmatched.append(wanted)
            continue
        left.remove(same)
        specs.append(_spec(wanted, same))
    for wanted in unmatched:
        specs.append(_spec(wanted, left.pop(0) if left else None))
    return specs + [{"id": item["id"], "deleted": True} for item in left]


def _spec(wanted: dict, item: dict | None) -> dict:
    spec: dict = {"price": wanted["price"]}
    if wanted["quantity"] is not None:
        spec["quantity"] = wanted["quantity"]
    if wanted["metadata"]:
        spec["metadata"] = wanted["metadata"]
    if wanted["tax_rates"]:
        spec["tax_rates"] = [rate["id"] for rate in wanted["tax_rates"]]
    if item is not None:
        spec["id"] = item["id"]
    return spec


def update_params(entries: list[dict], phase: dict) -> dict:
    """The update that puts a phase in force: items, and the terms that it names."""
    params: dict = {
        "items": item_specs(entries, phase),
        "proration_behavior": phase["proration_behavior"],
    }
    for name in ("description", "default_payment_method", "collection_method"):
        if phase[name]:
            params[name] = phase[name]
    if phase["metadata"]:
        params["metadata"] = phase["metadata"]
    if phase["default_tax_rates"]:
        params["default_tax_rates"] = [rate["id"] for rate in phase["default_tax_rates"]]
    if phase["discounts"]:
        params["discounts"] = [
            {name: id for name, id in discount.items() if id} for discount in phase["discounts"]
        ]
    if phase["billing_cycle_anchor"] == "phase_start":
        params["billing_cycle_anchor"] = {"type": "now"}
    if phase["trial_end"] and phase["trial_end"] > clock.now():
        params["trial_end"] = phase["trial_end"]
    return params


def enter(schedule: dict, phase: dict) -> None:
    """Note that the phase is the current one."""
    before = snapshot(schedule)
    schedule["current_phase"] = {
        "start_date": phase["start_date"],
        "end_date": phase["end_date"],
    }
    store.save(schedule)
    emit_updated("subscription_schedule.updated", schedule, before)


def release(schedule: dict) -> dict:
    """The schedule, let go of its subscription, which goes on as it is."""
    subscription = store.find("subscription", schedule["subscription"] or "")
    schedule.update(
        status="released",
        released_at=clock.now(),
        released_subscription=schedule["subscription"],
        subscription=None,
        current_phase=None,
    )
    store.save(schedule)
    emit("subscription_schedule.released", schedule)
    if subscription:
        before = snapshot(subscription)
        subscription["schedule"] = None
        store.save(subscription)
        emit_updated("customer.subscription.updated", subscription, before)
    return schedule


def complete(schedule: dict) -> dict:
    """The schedule, done with its last phase."""
    schedule.update(status="completed", completed_at=clock.now(), current_phase=None)
    store.save(schedule)
    emit("subscription_schedule.completed", schedule)
    return schedule


def follow_subscription(subscription: dict, entries: list[dict]) -> None:
    """A direct change of a scheduled subscription's items is a change of the current phase."""
    schedule = schedule_of(subscription)
    phase = schedule and phase_at(schedule, clock.now())
    if not schedule or not phase or same_items(entries, phase):
        return
    before = snapshot(schedule)
    phase["items"] = [phase_item(item) for item in entries]
    store.save(schedule)
    emit_updated("subscription_schedule.updated", schedule, before)


def phase_item(item: dict) -> dict:
    """A subscription item in the shape of a phase's item."""
    return {
        "billing_thresholds": None,
        "discounts": [
            {"coupon": None, "discount": id, "promotion_code": None} for id in item["discounts"]
        ],
        "metadata": dict(item["metadata"]),
        "plan": item["price"]["id"],
        "price": item["price"]["id"],
        "quantity": item["quantity"],
        "tax_rates": item["tax_rates"],
    }

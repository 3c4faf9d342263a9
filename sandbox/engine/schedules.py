"""Subscription schedules: made, rewritten, released, canceled, and played phase by phase."""

from sandbox import clock
from sandbox.engine import changing, ending, items, phases, saving, subscribing
from sandbox.engine.calendar import after
from sandbox.engine.changes import emit_updated, snapshot
from sandbox.errors import ApiError
from sandbox.events import emit
from sandbox.protocol.assigning import merge_metadata
from sandbox.schema import blank, part
from sandbox.store import new_id, store

OPEN = ("active", "not_started")


def create(params: dict) -> dict:
    """A schedule around an existing subscription (`from_subscription`), or with phases of its own;
    one that starts now makes its subscription at once."""
    _refuse_pauses(params)
    if params.get("from_subscription"):
        return _from_subscription(params)
    if not params.get("customer") or not params.get("phases"):
        missing = "phases" if params.get("customer") else "customer"
        raise ApiError(
            400, f"Missing required param: {missing}.", code="parameter_missing", param=missing
        )
    customer = store.need("customer", params["customer"], "customer")
    start = _time(params.get("start_date", "now"))
    schedule = _blank(customer["id"], params)
    schedule["phases"] = _phases(params["phases"], start, schedule, customer)
    store.insert("subscription_schedule", schedule)
    emit("subscription_schedule.created", schedule)
    if start <= clock.now():
        start_now(schedule)
    return store.get("subscription_schedule", schedule["id"])


def _refuse_pauses(params: dict) -> None:
    if params.get("pause_schedules"):
        raise ApiError(
            400, "The sandbox does not support `pause_schedules`.", param="pause_schedules"
        )


def _time(value: int | str) -> int:
    return clock.now() if value == "now" else int(value)


def _from_subscription(params: dict) -> dict:
    if set(params) - {"from_subscription", "expand", "metadata", "billing_mode"}:
        raise ApiError(
            400,
            "You cannot set other parameters when `from_subscription` is set. Create the schedule "
            "first, then update it.",
            param="from_subscription",
        )
    id = params["from_subscription"]
    subscription = store.need("subscription", id, "from_subscription")
    if subscription["schedule"]:
        raise ApiError(
            400,
            "You cannot migrate a subscription that is already attached to a schedule: "
            f"`{subscription['schedule']}`.",
            param="from_subscription",
        )
    if subscription["status"] in (*ending.ENDED, "incomplete"):
        raise ApiError(
            400,
            f"You cannot migrate a subscription that is {subscription['status']}.",
            param="from_subscription",
        )
    entries = items.of(subscription)
    schedule = _blank(subscription["customer"], params)
    schedule.update(
        status="active",
        subscription=id,
        billing_mode=subscription["billing_mode"],
        end_behavior="cancel" if subscription["cancel_at"] else "release",
    )
    start = min(item["current_period_start"] for item in entries)
    end = subscription["cancel_at"] or max(item["current_period_end"] for item in entries)
    phase = _phase(subscription["currency"], start, end)
    phase.update(
        items=[phases.phase_item(item) for item in entries],
        default_tax_rates=subscription["default_tax_rates"] or [],
        discounts=[
            {"coupon": None, "discount": one, "promotion_code": None}
            for one in subscription["discounts"]
        ],
        trial_end=subscription["trial_end"] if subscription["status"] == "trialing" else None,
    )
    schedule["phases"] = [phase]
    schedule["current_phase"] = {"start_date": start, "end_date": end}
    store.insert("subscription_schedule", schedule)
    before = snapshot(subscription)
    subscription["schedule"] = schedule["id"]
    store.save(subscription)
    emit("subscription_schedule.created", schedule)
    emit_updated("customer.subscription.updated", subscription, before)
    return schedule


def _blank(customer: str, params: dict) -> dict:
    given = params.get("default_settings") or {}
    defaults = part(
        "subscription_schedule",
        "default_settings",
        automatic_tax=part("subscription_schedule", "default_settings.automatic_tax"),
        billing_cycle_anchor=given.get("billing_cycle_anchor", "automatic"),
        collection_method=given.get("collection_method", "charge_automatically"),
        default_payment_method=given.get("default_payment_method"),
        description=given.get("description") or None,
        invoice_settings=part(
            "subscription_schedule",
            "default_settings.invoice_settings",
            issuer={"account": None, "type": "self"},
        ),
    )
    schedule = blank(
        "subscription_schedule",
        id=new_id("sub_sched"),
        billing_mode={
            "flexible": {"proration_discounts": "included"},
            "type": "flexible",
            "updated_at": clock.now(),
        },
        customer=customer,
        default_settings=defaults,
        end_behavior=_end_behavior(params.get("end_behavior", "release")),
        metadata={},
        status="not_started",
    )
    merge_metadata(schedule, params)
    return schedule


def _end_behavior(value: str) -> str:
    if value not in ("release", "cancel"):
        raise ApiError(
            400,
            "The sandbox knows the end behaviors `release` and `cancel`.",
            param="end_behavior",
        )
    return value


def _phase(currency: str, start: int, end: int) -> dict:
    return part(
        "subscription_schedule",
        "phases",
        currency=currency,
        start_date=start,
        end_date=end,
        proration_behavior="create_prorations",
        default_tax_rates=[],
        metadata={},
    )


def _phases(given: list[dict], start: int, schedule: dict, customer: dict) -> list[dict]:
    """The phases of a parameter list, each from where the one before ends."""
    made = []
    for index, spec in enumerate(given):
        param = f"phases[{index}]"
        begin = _time(spec["start_date"]) if spec.get("start_date") is not None else start
        if made and begin != made[-1]["end_date"]:
            raise ApiError(
                400,
                "The phases of a schedule must follow one another without gaps.",
                param=f"{param}[start_date]",
            )
        phase = _build(spec, begin, customer, param, schedule)
        if phase["end_date"] <= begin:
            raise ApiError(
                400,
                "The end date of a phase must be after its start date.",
                param=f"{param}[end_date]",
            )
        made.append(phase)
        start = phase["end_date"]
    return made


def _build(spec: dict, begin: int, customer: dict, param: str, schedule: dict) -> dict:
    if spec.get("add_invoice_items"):
        raise ApiError(
            400,
            "The sandbox does not support `add_invoice_items` in a phase.",
            param=f"{param}[add_invoice_items]",
        )
    subscription = store.find("subscription", schedule["subscription"] or "") or {}
    currency = spec.get("currency") or subscription.get("currency")
    entries = []
    for index, one in enumerate(spec["items"]):
        price = _kept_price(one, schedule) or items.price_from(
            one, currency, f"{param}[items][{index}]"
        )
        currency = currency or price["currency"]
        entries.append((one, price))
    phase = _phase(currency, begin, _end(spec, begin, entries[0][1]))
    phase["items"] = [_item(one, price) for one, price in entries]
    for name in ("collection_method", "billing_cycle_anchor", "proration_behavior"):
        if spec.get(name):
            phase[name] = spec[name]
    if spec.get("default_payment_method"):
        method = saving.owned(
            spec["default_payment_method"], customer["id"], f"{param}[default_payment_method]"
        )
        phase["default_payment_method"] = method["id"]
    phase["description"] = spec.get("description") or None
    phase["default_tax_rates"] = items.tax_rates(spec.get("default_tax_rates"))
    phase["discounts"] = _discounts(spec.get("discounts"))
    phase["metadata"] = dict(spec.get("metadata") or {})
    if spec.get("trial"):
        phase["trial_end"] = phase["end_date"]
    elif spec.get("trial_end") is not None:
        phase["trial_end"] = _time(spec["trial_end"])
    if schedule["default_settings"]["description"] and not phase["description"]:
        phase["description"] = schedule["default_settings"]["description"]
    return phase


def _kept_price(spec: dict, schedule: dict) -> dict | None:
    """The price named, when the schedule has it already: an archived one may stay."""
    kept = {item["price"] for phase in schedule["phases"] for item in phase["items"]}
    return store.get("price", spec["price"]) if spec.get("price") in kept else None


def _end(spec: dict, begin: int, price: dict) -> int:
    if spec.get("end_date") is not None:
        return _time(spec["end_date"])
    lasting = spec.get("duration") or price["recurring"]
    return after(begin, lasting["interval"], lasting.get("interval_count", 1))


def _discounts(given: list[dict] | str | None) -> list[dict]:
    names = ("coupon", "discount", "promotion_code")
    for one in given or []:
        for name, id in one.items():
            store.need(name, id, f"discounts[{name}]")
    return [{name: one.get(name) for name in names} for one in given or []]


def _item(spec: dict, price: dict) -> dict:
    return {
        "billing_thresholds": None,
        "discounts": _discounts(spec.get("discounts")),
        "metadata": dict(spec.get("metadata") or {}),
        "plan": price["id"],
        "price": price["id"],
        "quantity": spec.get("quantity", 1),
        "tax_rates": items.tax_rates(spec.get("tax_rates")),
    }


def update(schedule: dict, params: dict) -> dict:
    """The schedule, rewritten. A current phase with other items changes the subscription now,
    prorated as `proration_behavior` says."""
    check_open(schedule, "update")
    _refuse_pauses(params)
    before = snapshot(schedule)
    merge_metadata(schedule, params)
    if params.get("end_behavior"):
        schedule["end_behavior"] = _end_behavior(params["end_behavior"])
    for name in ("default_payment_method", "description", "billing_cycle_anchor"):
        if name in (params.get("default_settings") or {}):
            schedule["default_settings"][name] = params["default_settings"][name] or None
    if params.get("phases"):
        _rewrite(schedule, params)
    store.save(schedule)
    emit_updated("subscription_schedule.updated", schedule, before)
    return store.get("subscription_schedule", schedule["id"])


def _rewrite(schedule: dict, params: dict) -> None:
    customer = store.get("customer", schedule["customer"])
    current = schedule["current_phase"]
    start = current["start_date"] if current else schedule["phases"][0]["start_date"]
    given = params["phases"]
    if schedule["status"] == "active" and given[0].get("start_date") is None:
        raise ApiError(
            400,
            "The subscription schedule update is missing a start date of its first phase. You "
            "must pass the start date of the current phase.",
            code="parameter_missing",
            param="phases[0][start_date]",
        )
    schedule["phases"] = _phases(given, start, schedule, customer)
    if schedule["status"] != "active":
        return
    phase = phases.phase_at(schedule, clock.now())
    if phase is None:
        raise ApiError(
            400, "One of the phases must be the current one.", param="phases[0][start_date]"
        )
    schedule["current_phase"] = {
        "start_date": phase["start_date"],
        "end_date": phase["end_date"],
    }
    store.save(schedule)
    bring_about(schedule, phase, params.get("proration_behavior"))


def bring_about(schedule: dict, phase: dict, proration_behavior: str | None = None) -> None:
    """Change the subscription to what the phase says, where it differs."""
    subscription = store.get("subscription", schedule["subscription"])
    entries = items.of(subscription)
    if phases.same_items(entries, phase) and phase["billing_cycle_anchor"] != "phase_start":
        return
    params = phases.update_params(entries, phase)
    if proration_behavior:
        params["proration_behavior"] = proration_behavior
    changing.update(subscription, params | {"off_session": True})


def start_now(schedule: dict) -> None:
    """Make the subscription of a schedule whose first phase begins."""
    phase = schedule["phases"][0]
    customer = store.get("customer", schedule["customer"])
    params = phases.update_params([], phase)
    params.pop("billing_cycle_anchor", None)
    default = schedule["default_settings"]["default_payment_method"]
    if default and "default_payment_method" not in params:
        params["default_payment_method"] = default
    params.update(currency=phase["currency"], off_session=True)
    subscription = subscribing.create(customer, params)
    subscription["schedule"] = schedule["id"]
    store.save(subscription)
    schedule.update(status="active", subscription=subscription["id"])
    phases.enter(schedule, phase)


def step(schedule: dict) -> None:
    """Play what is due now: the first phase, the next one, or the end."""
    now = clock.now()
    if schedule["status"] == "not_started":
        start_now(schedule)
        return
    phase = phases.phase_at(schedule, now)
    if phase:
        phases.enter(schedule, phase)
        bring_about(schedule, phase)
    elif schedule["end_behavior"] == "cancel":
        phases.complete(schedule)
        subscription = store.get("subscription", schedule["subscription"])
        if subscription["status"] not in ending.ENDED:
            ending.end(subscription)
    else:
        phases.release(schedule)


def next_step(schedule: dict) -> int | None:
    """When something is due for the schedule."""
    if schedule["status"] == "not_started":
        return schedule["phases"][0]["start_date"]
    return schedule["current_phase"]["end_date"] if schedule["status"] == "active" else None


def check_open(schedule: dict, verb: str) -> None:
    """ApiError 400 for a schedule that has ended."""
    if schedule["status"] not in OPEN:
        raise ApiError(
            400,
            f"You cannot {verb} a subscription schedule that is currently in the "
            f"`{schedule['status']}` status. You can only {verb} a subscription schedule in the "
            "following statuses: `not_started`, `active`.",
        )


def cancel(schedule: dict, params: dict) -> dict:
    """The schedule and its subscription, canceled now."""
    check_open(schedule, "cancel")
    subscription = store.find("subscription", schedule["subscription"] or "")
    schedule.update(status="canceled", canceled_at=clock.now(), current_phase=None)
    store.save(schedule)
    emit("subscription_schedule.canceled", schedule)
    if subscription and subscription["status"] not in ending.ENDED:
        wanted = {"invoice_now": True, "prorate": True, **params}
        ending.cancel(subscription, wanted)
    return schedule


def release(schedule: dict, params: dict) -> dict:
    """The schedule, let go of its subscription."""
    check_open(schedule, "release")
    return phases.release(schedule)

"""Starting a subscription."""

from datetime import timedelta

from sandbox import clock
from sandbox.engine import collecting, discounting, ending, items, paying, proration, saving, terms
from sandbox.engine.calendar import DAY, moment
from sandbox.engine.drafts import Draft
from sandbox.engine.entries import new_entry
from sandbox.engine.intents import new_setup_intent
from sandbox.engine.payment import set_up
from sandbox.engine.pricing import in_currency
from sandbox.errors import ApiError
from sandbox.events import emit
from sandbox.resources import customer_balance_transactions as balance
from sandbox.schema import blank, part
from sandbox.store import new_id, store

MOST_ITEMS = 20


def create(customer: dict, params: dict) -> dict:
    """The new subscription, its first invoice issued and attempted.

    ApiError 400 for parameters that cannot be, 402 with error_if_incomplete when the payment does
    not go through; nothing is created then.
    """
    behavior = params.get("payment_behavior", "allow_incomplete")
    if behavior == "pending_if_incomplete":
        raise ApiError(
            400,
            "`pending_if_incomplete` is only supported when updating a subscription.",
            param="payment_behavior",
        )
    subscription, draft = prepare(customer, params)
    automatic = subscription["collection_method"] == "charge_automatically"
    due = draft.compute()["amount_due"] if draft.lines else 0
    if automatic and due and subscription["status"] != "trialing":
        subscription["status"] = "incomplete"
        subscription["_expires_at"] = subscription["created"] + 23 * 3600
    _check_method(subscription, customer, behavior, automatic and due)
    if draft.lines:
        subscription["latest_invoice"] = draft.invoice["id"]
    store.save(subscription)
    emit("customer.subscription.created", subscription)
    if draft.lines:
        _bill(subscription, draft, params, behavior, automatic)
    return _ask_for_setup(subscription["id"], behavior, automatic and due, params)


def prepare(customer: dict, params: dict) -> tuple[dict, Draft]:
    """The stored subscription with its items, and the draft of its first invoice.

    A preview uses both and undoes them; nobody was told of them yet.
    """
    now = clock.now()
    # The caller may have read the customer a while ago; what is saved below must be fresh.
    customer = store.get("customer", customer["id"])
    subscription = _blank(customer, params, now)
    terms.apply(subscription, params, customer)
    trial_end = _trial_end(params, now)
    if trial_end:
        subscription.update(
            status="trialing", trial_start=now, trial_end=trial_end, billing_cycle_anchor=trial_end
        )
    else:
        subscription["billing_cycle_anchor"] = _anchor(params, now)
    store.insert("subscription", subscription)
    entries = _items(subscription, customer, params, now)
    ending.schedule_cancellation(subscription, entries, params, new=True)
    store.save(subscription)
    if customer["currency"] != subscription["currency"]:
        _one_currency(customer, subscription["currency"])
        balance.use_currency(customer, subscription["currency"])
        store.save(customer)
    draft = _first_invoice(customer, subscription, entries, params, now)
    discounting.check_order(
        params.get("discounts"),
        [item["price"]["product"] for item in entries],
        subscription["currency"],
        sum(line["amount"] for line in draft.lines),
    )
    return subscription, draft


def _one_currency(customer: dict, currency: str) -> None:
    """ApiError 400 while something that is still to be billed is in another currency.

    Once it is over the customer's own currency follows the new subscription. Source: Stripe's
    "Set or change currency for an invoice or customer in Stripe Billing".
    """
    live = [
        one
        for one in store.all("subscription", customer=customer["id"])
        if one["status"] not in ending.ENDED
    ]
    for one in [*live, *store.all("invoiceitem", customer=customer["id"], invoice=None)]:
        if one["currency"] != currency:
            raise ApiError(
                400,
                "You cannot combine currencies on a single customer. This customer has an active "
                "subscription, subscription schedule, discount, quote, or invoice item with "
                f"currency {one['currency']}.",
            )


def _blank(customer: dict, params: dict, now: int) -> dict:
    if not params.get("items"):
        raise ApiError(
            400, "Missing required param: items.", code="parameter_missing", param="items"
        )
    if len(params["items"]) > MOST_ITEMS:
        raise ApiError(
            400, f"You may only have up to {MOST_ITEMS} items on a subscription.", param="items"
        )
    first = items.price_from(params["items"][0], None, "items[0]")
    currency = (params.get("currency") or first["currency"]).lower()
    if in_currency(first, currency) is None:
        items.check_currency(first, currency, "items[0][price]")
    mode = (params.get("billing_mode") or {}).get("type", "flexible")
    flexible = (params.get("billing_mode") or {}).get("flexible") or {}
    if flexible.get("proration_discounts", "included") != "included":
        raise ApiError(
            400,
            "The sandbox includes discounts in proration amounts; it does not itemize them.",
            param="billing_mode[flexible][proration_discounts]",
        )
    return blank(
        "subscription",
        id=new_id("sub"),
        automatic_tax=part("subscription", "automatic_tax", enabled=False),
        billing_cycle_anchor=now,
        billing_mode={
            "flexible": {"proration_discounts": "included"} if mode == "flexible" else None,
            "type": mode,
            "updated_at": now,
        },
        cancellation_details=part("subscription", "cancellation_details"),
        collection_method="charge_automatically",
        currency=currency,
        customer=customer["id"],
        default_tax_rates=[],
        invoice_settings=part(
            "subscription",
            "invoice_settings",
            issuer=part("subscription", "invoice_settings.issuer", type="self"),
        ),
        payment_settings=part(
            "subscription", "payment_settings", save_default_payment_method="off"
        ),
        start_date=now,
        status="active",
        trial_settings={
            "end_behavior": part(
                "subscription",
                "trial_settings.end_behavior",
                missing_payment_method="create_invoice",
            )
        },
    )


def _trial_end(params: dict, now: int) -> int | None:
    if params.get("trial_period_days") is not None and params.get("trial_end") is not None:
        raise ApiError(
            400, "You may only specify one of these parameters: trial_end, trial_period_days."
        )
    if params.get("trial_period_days"):
        return now + params["trial_period_days"] * DAY
    end = params.get("trial_end")
    if end in (None, "now"):
        return None
    if end <= now:
        raise ApiError(
            400,
            "Invalid timestamp: must be an integer Unix timestamp in the future.",
            param="trial_end",
        )
    return end


def _anchor(params: dict, now: int) -> int:
    if params.get("billing_cycle_anchor_config"):
        return _configured_anchor(params["billing_cycle_anchor_config"], now)
    anchor = params.get("billing_cycle_anchor", now)
    if anchor < now:
        raise ApiError(
            400,
            "Invalid timestamp: must be an integer Unix timestamp in the future.",
            param="billing_cycle_anchor",
        )
    return anchor


def _configured_anchor(config: dict, now: int) -> int:
    """The next time that matches the configuration; the time of day defaults to now's."""
    start = moment(now)
    clock_time = {
        name: config.get(name, getattr(start, name)) for name in ("hour", "minute", "second")
    }
    for days in range(800):
        at = (start + timedelta(days=days)).replace(**clock_time)
        last = (at + timedelta(days=1)).day == 1
        fits = at.day == config["day_of_month"] or (last and at.day < config["day_of_month"])
        if fits and config.get("month") in (None, at.month) and at >= start:
            return int(at.timestamp())
    raise ApiError(400, "Invalid billing_cycle_anchor_config.", param="billing_cycle_anchor_config")


def _items(subscription: dict, customer: dict, params: dict, now: int) -> list[dict]:
    entries, prices = [], set()
    for index, spec in enumerate(params["items"]):
        item = items.build(subscription, spec, customer, f"items[{index}]", now)
        if item["price"]["id"] in prices:
            raise ApiError(
                400,
                f"Cannot add multiple subscription items with the same plan: {item['price']['id']}",
                param=f"items[{index}]",
            )
        prices.add(item["price"]["id"])
        # Until the trial or the agreed first billing date, the period starts with the subscription.
        if subscription["billing_cycle_anchor"] > now:
            item["current_period_start"] = now
            if subscription["trial_end"]:
                item["current_period_end"] = subscription["trial_end"]
        store.insert("subscription_item", item)
        entries.append(item)
    return entries


def _first_invoice(customer, subscription, entries, params, now) -> Draft:
    draft = Draft(
        customer, subscription["currency"], "subscription_create", subscription, (now, now)
    )
    trial = subscription["status"] == "trialing"
    partial = subscription["billing_cycle_anchor"] > now and not trial
    draft.add_pending()
    for item in entries:
        if not partial:
            draft.add_item(item, trial=trial)
        elif params.get("proration_behavior") != "none":
            draft.add_entry(proration.debit(item, subscription, now))
            store.save(item)
    add_extras(draft, subscription, params.get("add_invoice_items"), now)
    return draft


def add_extras(draft: Draft, subscription: dict, extras: list[dict] | None, now: int) -> None:
    """Bill the one-time prices of `add_invoice_items`."""
    for extra in extras or []:
        draft.add_entry(
            new_entry(
                draft.customer,
                {**extra, "currency": subscription["currency"], "period": None},
                subscription=subscription["id"],
            )
        )


def _check_method(subscription: dict, customer: dict, behavior: str, due: int) -> None:
    if due and behavior != "default_incomplete" and not saving.default_of(customer, subscription):
        raise ApiError(400, paying.NO_METHOD, code="resource_missing")


def _bill(subscription, draft, params, behavior, automatic) -> None:
    if not automatic:
        collecting.leave_draft(draft)
        return
    invoice = collecting.issue(
        draft,
        charge=behavior != "default_incomplete",
        off_session=bool(params.get("off_session")),
    )
    intent_failed = invoice["status"] == "open" and behavior == "error_if_incomplete"
    if intent_failed and store.get("subscription", subscription["id"])["status"] == "incomplete":
        raise collecting.refusal(invoice, "subscription", keep=False)


def _ask_for_setup(id: str, behavior: str, due: int, params: dict) -> dict:
    """Without a first payment, the customer may still have to confirm a payment method."""
    subscription = store.get("subscription", id)
    if due or subscription["collection_method"] != "charge_automatically":
        return subscription
    customer = store.get("customer", subscription["customer"])
    method = saving.default_of(customer, subscription)
    must_confirm = method is not None and set_up(method).status == "requires_action"
    if params.get("off_session") or not (
        must_confirm or (method is None and behavior == "default_incomplete")
    ):
        return subscription
    intent = new_setup_intent(
        customer=customer["id"],
        payment_method=method and method["id"],
        _subscription=id,
    )
    subscription["pending_setup_intent"] = intent["id"]
    return store.save(subscription)

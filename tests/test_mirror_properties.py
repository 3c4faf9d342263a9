"""Whatever order events come in, and however often, the mirror ends equal to Stripe.

A year in the life of two customers is played in the sandbox; its events are delivered, signed,
to the front door. The comparison reads Stripe's JSON on its own: nothing here is shared with
`billing.sync`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as runs
from hypothesis import strategies as st
from stripe import CardError, InvalidRequestError, StripeClient

from models import MIRRORED, Subscription, WebhookEvent, db

PURCHASE = {"purchase": "abc"}
# Not kept of a payment: what lets somebody act on it; of its last error only the reasons are.
NOT_KEPT = {"client_secret", "next_action", "last_payment_error"}
# Columns that are ours, not Stripe's.
BOOKKEEPING = {"data", "pulled_at", "deleted_at", "version"}


# What Stripe's JSON says each column should hold ---------------------------------------------


def at(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, tz=UTC)


def same(o: dict[str, Any], fields: str) -> dict[str, Any]:
    return {field: o[field] for field in fields.split()}


def moments(o: dict[str, Any], fields: str) -> dict[str, Any]:
    return {field: at(o[field]) for field in fields.split()}


def ref(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else value["id"]


def total(amounts: list[dict[str, Any]] | None) -> int:
    return sum(entry["amount"] for entry in (amounts or ()))


def expected_product(o: dict[str, Any]) -> dict[str, Any]:
    return {
        "slug": o["metadata"].get("slug"),
        "name": o["name"],
        "description": o["description"],
        "active": o["active"],
        "public": True,
        "highlighted": False,
        "position": int(o["metadata"].get("position", 0)),
        "min_seats": None,
        "max_seats": None,
        "trial_days": None,
        "trial_needs_method": True,
        "pausable": False,
        "grace_days": None,
        "purchase": None,
        "credits": None,
        "features": [f["name"] for f in o["marketing_features"]],
        "default_price_id": ref(o["default_price"]),
    }


def expected_price(o: dict[str, Any]) -> dict[str, Any]:
    return {
        "product_id": ref(o["product"]),
        **same(
            o,
            "active type currency unit_amount unit_amount_decimal billing_scheme "
            "tiers_mode tiers currency_options lookup_key nickname tax_behavior",
        ),
        **{
            field: o["recurring"][field] if o["recurring"] else None
            for field in ("interval", "interval_count", "usage_type")
        },
    }


def expected_customer(o: dict[str, Any]) -> dict[str, Any]:
    return {
        **same(o, "email name currency balance delinquent"),
        "country": o["address"]["country"] if o["address"] else None,
        "default_payment_method_id": ref(o["invoice_settings"]["default_payment_method"]),
    }


def expected_payment_method(o: dict[str, Any]) -> dict[str, Any]:
    return {
        "customer_id": ref(o["customer"]),
        "type": "card",
        **same(o["card"], "brand last4 exp_month exp_year fingerprint"),
        "wallet": None,
    }


def expected_subscription(o: dict[str, Any]) -> dict[str, Any]:
    (item,) = o["items"]["data"]
    return {
        "customer_id": ref(o["customer"]),
        **same(o, "status currency collection_method cancel_at_period_end pause_collection"),
        **moments(o, "start_date trial_start trial_end cancel_at canceled_at ended_at"),
        "current_period_start": at(item["current_period_start"]),
        "current_period_end": at(item["current_period_end"]),
        "cancellation_feedback": o["cancellation_details"]["feedback"],
        "default_payment_method_id": ref(o["default_payment_method"]),
        "schedule_id": ref(o["schedule"]),
        "latest_invoice_id": ref(o["latest_invoice"]),
    }


def expected_subscription_schedule(o: dict[str, Any]) -> dict[str, Any]:
    return {
        "customer_id": ref(o["customer"]),
        "subscription_id": ref(o["subscription"]),
        "status": o["status"],
        "end_behavior": o["end_behavior"],
        "phases": o["phases"],
    }


def expected_invoice(o: dict[str, Any]) -> dict[str, Any]:
    parent = o["parent"] or {}
    return {
        "customer_id": ref(o["customer"]),
        "subscription_id": ref(parent.get("subscription_details", {}).get("subscription")),
        **same(
            o,
            "number status billing_reason collection_method currency subtotal total "
            "amount_due amount_paid amount_remaining starting_balance attempt_count "
            "hosted_invoice_url invoice_pdf",
        ),
        "discount": total(o["total_discount_amounts"]),
        "tax": total(o["total_taxes"]),
        **moments(o, "next_payment_attempt due_date period_start period_end"),
        **moments(o["status_transitions"], "finalized_at paid_at voided_at"),
    }


def expected_item(o: dict[str, Any]) -> dict[str, Any]:
    return {
        "stripe_id": o["id"],
        "price_id": o["price"]["id"],
        "quantity": o["quantity"],
        "current_period_start": at(o["current_period_start"]),
        "current_period_end": at(o["current_period_end"]),
    }


def expected_line(o: dict[str, Any]) -> dict[str, Any]:
    parent = o["parent"]
    return {
        "stripe_id": o["id"],
        **same(o, "description amount currency quantity"),
        "unit_amount_decimal": o["pricing"]["unit_amount_decimal"],
        "price_id": o["pricing"]["price_details"]["price"],
        "product_id": o["pricing"]["price_details"]["product"],
        "is_proration": parent[parent["type"]]["proration"],
        "period_start": at(o["period"]["start"]),
        "period_end": at(o["period"]["end"]),
    }


def expected_refund(o: dict[str, Any]) -> dict[str, Any]:
    return {
        "payment_intent_id": ref(o["payment_intent"]),
        "charge_id": ref(o["charge"]),
        **same(o, "amount currency status reason"),
        "failure_reason": o.get("failure_reason"),
    }


def expected_credit_note(o: dict[str, Any]) -> dict[str, Any]:
    return {
        "customer_id": ref(o["customer"]),
        "invoice_id": ref(o["invoice"]),
        **same(o, "number status reason currency total pre_payment_amount post_payment_amount pdf"),
        "out_of_band_amount": o["out_of_band_amount"] or 0,
        **moments(o, "voided_at"),
    }


def expected_payment_intent(o: dict[str, Any]) -> dict[str, Any]:
    error = o["last_payment_error"] or {}
    charge = o["latest_charge"] or {}
    return {
        "customer_id": ref(o["customer"]),
        "payment_method_id": ref(o["payment_method"]),
        "charge_id": charge.get("id"),
        "receipt_url": charge.get("receipt_url"),
        "amount_refunded": charge.get("amount_refunded", 0),
        **same(o, "status amount amount_received currency description cancellation_reason"),
        "error_code": error.get("decline_code"),
        "error_message": error.get("message"),
        **moments(o, "canceled_at"),
    }


def expected_coupon(o: dict[str, Any]) -> dict[str, Any]:
    return {
        **same(o, "name amount_off currency duration duration_in_months valid"),
        "percent_off": f"{o['percent_off']:g}" if o["percent_off"] else None,
        "currency_options": o.get("currency_options"),
        "applies_to": (o.get("applies_to") or {}).get("products"),
        **moments(o, "redeem_by"),
    }


EXPECTED: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "product": expected_product,
    "price": expected_price,
    "customer": expected_customer,
    "payment_method": expected_payment_method,
    "subscription": expected_subscription,
    "subscription_schedule": expected_subscription_schedule,
    "invoice": expected_invoice,
    "refund": expected_refund,
    "credit_note": expected_credit_note,
    "payment_intent": expected_payment_intent,
    "coupon": expected_coupon,
}
NESTED = {"subscription": ("items", expected_item), "invoice": ("lines", expected_line)}


def expected_row(kind: str, found: dict[str, Any]) -> dict[str, Any]:
    row = {
        "stripe_id": found["id"],
        # A refund does not say; none of the sandbox's objects is live.
        "livemode": found.get("livemode", False),
        "created": at(found["created"]),
        **EXPECTED[kind](found),
    }
    if kind in NESTED:
        attribute, of = NESTED[kind]
        row[attribute] = [of(each) for each in found[attribute]["data"]]
    return row


def mirrored_row(kind: str, row: Any) -> dict[str, Any]:
    columns = {c.key: getattr(row, c.key) for c in row.__table__.columns}
    shown = {name: value for name, value in columns.items() if name not in BOOKKEEPING}
    if kind in NESTED:
        attribute, _ = NESTED[kind]
        own = {"position", "data", f"{kind}_id"}
        shown[attribute] = [
            {c.key: getattr(each, c.key) for c in each.__table__.columns if c.key not in own}
            for each in getattr(row, attribute)
        ]
    return shown


# What happened at Stripe --------------------------------------------------------------------


class Story:
    """Things people do with their subscriptions, one step at a time, at Stripe."""

    def __init__(self, stripe: StripeClient, clock: Any):
        self.v1, self.clock = stripe.v1, clock

    def steps(self) -> Iterator[str]:
        """Plays the story; yields after each step, so that something may happen in between."""
        v1 = self.v1
        product = v1.products.create({"name": "Starter", "metadata": {"slug": "starter"}})
        team = v1.products.create({"name": "Team", "marketing_features": [{"name": "SSO"}]})
        small, large, yearly = (
            v1.prices.create(
                {
                    "product": owner.id,
                    "currency": "usd",
                    "unit_amount": amount,
                    "recurring": {"interval": interval},
                    "currency_options": {"eur": {"unit_amount": amount - 100}},
                }
            )
            for owner, amount, interval in (
                (product, 1900, "month"),
                (team, 4900, "month"),
                (team, 49000, "year"),
            )
        )
        yield "catalog"

        ada = v1.customers.create({"name": "Ada", "email": "ada@northwind.example"})
        visa = v1.payment_methods.attach("pm_card_visa", {"customer": ada.id})
        v1.customers.update(ada.id, {"invoice_settings": {"default_payment_method": visa.id}})
        yield "a customer with a card"

        plan = v1.subscriptions.create({"customer": ada.id, "items": [{"price": small.id}]})
        (item,) = v1.subscription_items.list({"subscription": plan.id}).data
        yield "subscribed"

        self.clock.advance(days=3)
        v1.subscriptions.update(
            plan.id,
            {
                "items": [{"id": item.id, "price": large.id, "quantity": 4}],
                "proration_behavior": "always_invoice",
            },
        )
        yield "upgraded"

        (upgrade, *_) = v1.invoices.list({"subscription": plan.id}).data
        v1.credit_notes.create({"invoice": upgrade.id, "amount": 100, "refund_amount": 100})
        yield "a little given back"

        master = v1.payment_methods.attach("pm_card_mastercard", {"customer": ada.id})
        v1.customers.update(ada.id, {"invoice_settings": {"default_payment_method": master.id}})
        v1.payment_methods.detach(visa.id)
        yield "another card"

        v1.subscriptions.update(
            plan.id,
            {
                "cancel_at_period_end": True,
                "cancellation_details": {"feedback": "too_expensive"},
            },
        )
        yield "cancelled for the end of the period"

        v1.subscriptions.update(plan.id, {"cancel_at_period_end": False})
        yield "changed their mind"

        tax_id = v1.customers.tax_ids.create(ada.id, {"type": "eu_vat", "value": "DE123456789"})
        v1.customers.update(
            ada.id, {"name": "Ada Lovelace", "address": {"country": "GB", "city": "London"}}
        )
        v1.customers.tax_ids.delete(ada.id, tax_id.id)
        yield "billing details"

        schedule = v1.subscription_schedules.create({"from_subscription": plan.id})
        (first,) = schedule.phases
        v1.subscription_schedules.update(
            schedule.id,
            {
                "phases": [
                    {
                        "items": [{"price": large.id, "quantity": 4}],
                        "start_date": first.start_date,
                        "end_date": first.end_date,
                    },
                    {"items": [{"price": small.id}]},
                ]
            },
        )
        yield "a downgrade is due"

        v1.subscription_schedules.release(schedule.id)
        yield "and taken back"

        draft = v1.invoices.create({"customer": ada.id})
        once = v1.prices.create({"product": team.id, "currency": "usd", "unit_amount": 500})
        v1.invoice_items.create(
            {"customer": ada.id, "invoice": draft.id, "pricing": {"price": once.id}}
        )
        deleted = v1.invoices.create({"customer": ada.id})
        v1.invoices.delete(deleted.id)
        v1.invoices.finalize_invoice(draft.id)
        v1.invoices.void_invoice(draft.id)
        yield "a draft deleted, another voided"

        pay = {"customer": ada.id, "amount": 2000, "currency": "usd", "metadata": PURCHASE}
        bought = v1.payment_intents.create({**pay, "description": "Credits"})
        v1.payment_intents.update(bought.id, {"amount": 4000})
        v1.payment_intents.confirm(bought.id, {"payment_method": master.id})
        v1.refunds.create({"payment_intent": bought.id, "amount": 1000})
        refused = v1.payment_intents.create(pay)
        with pytest.raises(CardError):
            v1.payment_intents.confirm(
                refused.id, {"payment_method": "pm_card_chargeDeclinedInsufficientFunds"}
            )
        dropped = v1.payment_intents.create(pay)
        v1.payment_intents.cancel(dropped.id, {"cancellation_reason": "abandoned"})
        yield "bought once, refused once, dropped once"

        for_a_while = v1.coupons.create(
            {"percent_off": 12.5, "duration": "repeating", "duration_in_months": 3, "name": "Stay"}
        )
        v1.coupons.create(
            {
                "amount_off": 500,
                "currency": "usd",
                "currency_options": {"eur": {"amount_off": 400}},
                "applies_to": {"products": [team.id]},
            }
        )
        v1.coupons.update(for_a_while.id, {"name": "Stay with us"})
        v1.coupons.delete(v1.coupons.create({"percent_off": 5}).id)
        yield "coupons"

        bob = v1.customers.create({"name": "Bob"})
        weak = v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": bob.id})
        v1.customers.update(bob.id, {"invoice_settings": {"default_payment_method": weak.id}})
        unpaid = v1.subscriptions.create(
            {
                "customer": bob.id,
                "items": [{"price": yearly.id}],
                "payment_behavior": "default_incomplete",
            }
        )
        with pytest.raises(CardError):
            v1.invoices.pay(unpaid.latest_invoice)
        yield "a payment that fails"

        v1.customers.delete(bob.id)
        v1.products.update(product.id, {"name": "Starter 2", "metadata": {"position": "3"}})
        v1.prices.update(small.id, {"active": False, "nickname": "Old"})
        yield "a customer deleted, a price retired"

        v1.subscriptions.cancel(plan.id)
        yield "over"


class Events:
    """Stripe's events as they are recorded, oldest first, and what they are about."""

    def __init__(self, stripe: StripeClient):
        self.stripe = stripe
        self.all: list[dict[str, Any]] = []
        self._seen = {event.id for event in self._listed()}

    def _listed(self) -> Iterator[Any]:
        return iter(self.stripe.v1.events.list({"limit": 100}).auto_paging_iter())

    def gather(self) -> None:
        new = []
        for event in self._listed():
            if event.id in self._seen:
                break
            new.append(event.to_dict(for_json=True))
        self._seen |= {event["id"] for event in new}
        self.all.extend(reversed(new))

    def objects(self) -> set[tuple[str, str]]:
        """The (kind, id) of everything the mirror must hold after these events."""
        about = (event["data"]["object"] for event in self.all)
        # The payments of invoices are told by their invoices.
        return {
            (o["object"], o["id"])
            for o in about
            if o["object"] in MIRRORED
            and (o["object"] != "payment_intent" or o["metadata"] == PURCHASE)
        }


def at_stripe(stripe: StripeClient, kind: str, stripe_id: str) -> dict[str, Any] | None:
    """The object's JSON, None when it is gone."""
    v1 = stripe.v1
    ask: dict[str, Callable[[], Any]] = {
        "product": lambda: v1.products.retrieve(stripe_id),
        "price": lambda: v1.prices.retrieve(stripe_id, {"expand": ["tiers", "currency_options"]}),
        "customer": lambda: v1.customers.retrieve(stripe_id),
        "payment_method": lambda: v1.payment_methods.retrieve(stripe_id),
        "subscription": lambda: v1.subscriptions.retrieve(stripe_id),
        "subscription_schedule": lambda: v1.subscription_schedules.retrieve(stripe_id),
        "invoice": lambda: v1.invoices.retrieve(stripe_id),
        "refund": lambda: v1.refunds.retrieve(stripe_id),
        "credit_note": lambda: v1.credit_notes.retrieve(stripe_id),
        "payment_intent": lambda: v1.payment_intents.retrieve(
            stripe_id, {"expand": ["latest_charge"]}
        ),
        "coupon": lambda: v1.coupons.retrieve(
            stripe_id, {"expand": ["applies_to", "currency_options"]}
        ),
    }
    try:
        found: dict[str, Any] = ask[kind]().to_dict(for_json=True)
    except InvalidRequestError as error:
        if error.code != "resource_missing":
            raise
        return None
    return None if found.get("deleted") else found


def compare(stripe: StripeClient, objects: set[tuple[str, str]]) -> None:
    """The mirror holds exactly these objects, each equal to Stripe's, column by column."""
    for kind, model in MIRRORED.items():
        wanted = {stripe_id for named, stripe_id in objects if named == kind}
        rows = {row.stripe_id: row for row in db.session.scalars(db.select(model))}
        assert wanted <= set(rows), kind
        if kind == "payment_intent":
            assert all(row.data["metadata"] == PURCHASE for row in rows.values())
        for stripe_id in wanted:
            found, row = at_stripe(stripe, kind, stripe_id), rows[stripe_id]
            assert (row.deleted_at is not None) == (found is None), (kind, stripe_id)
            if found is None:
                continue
            assert mirrored_row(kind, row) == expected_row(kind, found)
            kept = [name for name in found if kind != "payment_intent" or name not in NOT_KEPT]
            assert {name: row.data[name] for name in kept} == {name: found[name] for name in kept}


@pytest.fixture
def history(stripe: StripeClient, clock: Any, app: Any) -> Events:
    """The whole story, over before the first event is delivered."""
    events = Events(stripe)
    for _ in Story(stripe, clock).steps():
        events.gather()
    assert {kind for kind, _ in events.objects()} == set(MIRRORED)
    return events


def forget_everything() -> None:
    db.session.remove()
    for table in reversed(db.metadata.sorted_tables):
        db.session.execute(table.delete())
    db.session.commit()


FEW = runs(
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@FEW
@given(data=st.data())
def test_any_order_of_events_with_any_duplicates_ends_equal_to_stripe(
    app, stripe, deliver, history, data
):
    order = data.draw(st.permutations(range(len(history.all))), label="order")
    again = data.draw(st.lists(st.sampled_from(order), max_size=15), label="duplicates")
    with app.app_context():
        forget_everything()
    for number in [*order[: len(order) // 2], *again, *order[len(order) // 2 :], *again]:
        assert deliver(history.all[number]).status_code == 200
    with app.app_context():
        compare(stripe, history.objects())
        left = db.session.query(WebhookEvent).filter_by(status="pending").count()
        assert (left, db.session.query(WebhookEvent).count()) == (0, len(history.all))


@FEW
@given(data=st.data())
def test_events_that_come_while_the_story_goes_on_end_equal_to_stripe(
    app, stripe, deliver, clock, data
):
    events = Events(stripe)
    delivered: set[int] = set()
    for step in Story(stripe, clock).steps():
        events.gather()
        some = st.lists(st.integers(0, len(events.all) - 1), max_size=6)
        for number in data.draw(some, label=f"delivered after: {step}"):
            assert deliver(events.all[number]).status_code == 200
            delivered.add(number)
    late = [number for number in range(len(events.all)) if number not in delivered]
    for number in data.draw(st.permutations(late), label="delivered in the end"):
        assert deliver(events.all[number]).status_code == 200
    with app.app_context():
        compare(stripe, events.objects())


def test_a_late_update_never_revives_a_cancelled_subscription(app, stripe, deliver, history):
    (about,) = {
        event["data"]["object"]["id"]
        for event in history.all
        if event["type"] == "customer.subscription.updated"
    }
    told = [event for event in history.all if event["data"]["object"]["id"] == about]
    assert told[-1]["type"] == "customer.subscription.deleted"
    assert deliver(told[-1]).status_code == 200
    for event in told[:-1]:
        assert event["data"]["object"]["status"] != "canceled"
        assert deliver(event).status_code == 200
        with app.app_context():
            row = db.session.get(Subscription, about)
            assert (row.status, row.is_live) == ("canceled", False)

"""Whatever order events come in, and however often, the mirror ends equal to Stripe.

A year in the life of two customers is played in the sandbox; its events are delivered, signed,
to the front door.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as runs
from hypothesis import strategies as st
from stripe import CardError, StripeClient

from models import MIRRORED, Subscription, WebhookEvent, db
from tests.truth import PURCHASE, compare

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
        coupon = v1.coupons.create({"percent_off": 10, "duration": "once"})
        code = v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}})
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
        v1.promotion_codes.update(code.id, {"active": False})
        yield "a customer deleted, a price retired, a code switched off"

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

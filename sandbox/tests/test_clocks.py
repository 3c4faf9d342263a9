"""Test clocks: customers whose time is moved apart from everybody else's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from sandbox import Sandbox
from sandbox.tests.billing import Shop
from sandbox.tests.conftest import NOON

DAY = 86_400
HOUR = 3600


def at(year: int, month: int, day: int, hour: int = 12, minute: int = 0) -> int:
    """The unix second of a time in UTC."""
    return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp())


@pytest.fixture
def shop(stripe_client: stripe.StripeClient, app: Sandbox) -> Shop:
    return Shop(stripe_client, app)


@pytest.fixture
def frozen(stripe_client: stripe.StripeClient) -> Any:
    """A test clock that stands on 31 January 2027, years ahead of nobody and behind nobody."""
    return stripe_client.v1.test_helpers.test_clocks.create({"frozen_time": at(2027, 1, 31)})


def advance(shop: Shop, frozen: Any, to: int) -> Any:
    return shop.client.v1.test_helpers.test_clocks.advance(frozen.id, {"frozen_time": to})


def test_a_new_clock_stands_where_it_was_set(shop: Shop) -> None:
    clocks = shop.client.v1.test_helpers.test_clocks
    made = clocks.create({"frozen_time": at(2027, 1, 31), "name": "From the 31st"})
    assert (made.frozen_time, made.status, made.name) == (
        at(2027, 1, 31),
        "ready",
        "From the 31st",
    )
    assert (made.created, made.deletes_after) == (NOON, NOON + 30 * DAY)
    assert made.status_details.to_dict() == {}
    assert clocks.retrieve(made.id).frozen_time == at(2027, 1, 31)
    assert [one.id for one in clocks.list().data] == [made.id]
    assert [e.data.object["id"] for e in shop.events("test_helpers.test_clock.created")] == [
        made.id
    ]


def test_what_is_made_for_its_customer_lives_in_its_time(shop: Shop, frozen: Any) -> None:
    customer = shop.customer(test_clock=frozen.id)
    subscription = shop.subscribe(customer, shop.price(3100))
    invoice = shop.latest(subscription)
    method = shop.client.v1.payment_methods.list({"customer": customer.id}).data[0]
    intent = shop.client.v1.payment_intents.list({"customer": customer.id}).data[0]
    for made in (customer, subscription, invoice, method, intent):
        assert made.created == at(2027, 1, 31)
    for made in (customer, subscription, invoice):
        assert made.test_clock == frozen.id
    item = subscription["items"].data[0]
    assert (item.current_period_start, item.current_period_end) == (
        at(2027, 1, 31),
        at(2027, 2, 28),
    )
    told = shop.events("customer.subscription.created")[0]
    assert (told.created, told.data.object["test_clock"]) == (at(2027, 1, 31), frozen.id)
    pending = shop.client.v1.invoice_items.create(
        {"customer": customer.id, "amount": 500, "currency": "usd"}
    )
    assert (pending.date, pending.test_clock) == (at(2027, 1, 31), frozen.id)


def test_thirteen_months_from_the_31st_bill_on_each_last_day(shop: Shop, frozen: Any) -> None:
    subscription = shop.subscribe(shop.customer(test_clock=frozen.id), shop.price(3100))
    for month in range(2, 15):
        year, number = (2027, month) if month <= 12 else (2028, month - 12)
        # Two days into the following month, so that the draft's hour has passed.
        following = at(year + number // 12, number % 12 + 1, 2)
        assert advance(shop, frozen, following).status == "ready"
    invoices = shop.invoices(subscription)
    assert [invoice.created for invoice in invoices] == [
        *(at(2027, 1, 31), at(2027, 2, 28), at(2027, 3, 31), at(2027, 4, 30), at(2027, 5, 31)),
        *(at(2027, 6, 30), at(2027, 7, 31), at(2027, 8, 31), at(2027, 9, 30), at(2027, 10, 31)),
        # 2028 is a leap year.
        *(at(2027, 11, 30), at(2027, 12, 31), at(2028, 1, 31), at(2028, 2, 29)),
    ]
    assert {(one.status, one.amount_paid) for one in invoices} == {("paid", 3100)}
    renewals = invoices[1:]
    assert [one.status_transitions.finalized_at - one.created for one in renewals] == [HOUR] * 13
    assert [one.status_transitions.paid_at - one.created for one in renewals] == [HOUR] * 13
    assert {one.test_clock for one in invoices} == {frozen.id}


def test_advancing_tells_that_it_begins_and_that_it_is_there(shop: Shop, frozen: Any) -> None:
    shop.subscribe(shop.customer(test_clock=frozen.id), shop.price())
    there = advance(shop, frozen, at(2027, 3, 1))
    assert (there.status, there.frozen_time) == ("ready", at(2027, 3, 1))
    begun = shop.events("test_helpers.test_clock.advancing")[0].data.object
    assert (begun["status"], begun["frozen_time"]) == ("advancing", at(2027, 1, 31))
    assert begun["status_details"]["advancing"]["target_frozen_time"] == at(2027, 3, 1)
    ended = shop.events("test_helpers.test_clock.ready")[0].data.object
    assert (ended["status"], ended["frozen_time"]) == ("ready", at(2027, 3, 1))


@pytest.mark.parametrize(
    ("to", "says"),
    [
        (at(2027, 1, 31), "only moves forward"),
        (at(2027, 1, 30), "only moves forward"),
        # Two months from 31 January end on 31 March.
        (at(2027, 3, 31) + 1, "two intervals of the shortest"),
    ],
)
def test_a_clock_moves_forward_by_two_intervals_at_most(
    shop: Shop, frozen: Any, to: int, says: str
) -> None:
    customer = shop.customer(test_clock=frozen.id)
    shop.subscribe(customer, shop.price(9900, "year"))
    shop.subscribe(customer, shop.price())
    with pytest.raises(stripe.InvalidRequestError, match=says) as refused:
        advance(shop, frozen, to)
    assert refused.value.param == "frozen_time"
    assert advance(shop, frozen, at(2027, 3, 31)).status == "ready"


def test_a_clock_without_subscriptions_moves_two_years_at_most(shop: Shop, frozen: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="two years"):
        advance(shop, frozen, at(2029, 1, 31) + 1)
    assert advance(shop, frozen, at(2029, 1, 31)).frozen_time == at(2029, 1, 31)


def test_neither_clock_moves_what_is_on_the_other(shop: Shop, frozen: Any, clock: Any) -> None:
    price = shop.price()
    apart = shop.subscribe(shop.customer(test_clock=frozen.id), price)
    here = shop.subscribe(shop.customer(), price)
    advance(shop, frozen, at(2027, 3, 5))
    assert len(shop.invoices(apart)) == 2
    assert len(shop.invoices(here)) == 1
    shop.app.test_client().post("/sandbox/clock", json={"advance": 65 * DAY})
    assert len(shop.invoices(apart)) == 2
    assert len(shop.invoices(here)) == 3
    assert shop.again(here).test_clock is None
    assert clock.now() == NOON + 65 * DAY


def test_an_object_on_a_clock_is_changed_at_its_time(shop: Shop, frozen: Any) -> None:
    subscription = shop.subscribe(shop.customer(test_clock=frozen.id), shop.price(2800))
    advance(shop, frozen, at(2027, 2, 14))
    # Half of the 28 days to 28 February are left: 1400 back, half of 5600 to pay.
    shop.change(subscription, shop.price(5600), proration_behavior="always_invoice")
    changed = shop.latest(subscription)
    assert (changed.created, changed.total) == (at(2027, 2, 14), 1400)


def test_deleting_a_clock_deletes_its_customers_and_ends_their_subscriptions(
    shop: Shop, frozen: Any
) -> None:
    customer = shop.customer(test_clock=frozen.id)
    subscription = shop.subscribe(customer, shop.price())
    other = shop.customer()
    gone = shop.client.v1.test_helpers.test_clocks.delete(frozen.id)
    assert gone.deleted is True
    assert shop.client.v1.customers.retrieve(customer.id).deleted is True
    with pytest.raises(stripe.InvalidRequestError, match="No such subscription"):
        shop.again(subscription)
    with pytest.raises(stripe.InvalidRequestError, match="No such"):
        shop.client.v1.test_helpers.test_clocks.retrieve(frozen.id)
    ended = shop.events("customer.subscription.deleted")[0]
    assert (ended.data.object["status"], ended.created) == ("canceled", at(2027, 1, 31))
    assert shop.events("test_helpers.test_clock.deleted")[0].data.object["id"] == frozen.id
    assert shop.client.v1.customers.retrieve(other.id).id == other.id


def test_lists_leave_out_what_is_on_a_clock_unless_asked(shop: Shop, frozen: Any) -> None:
    apart, here = shop.customer(test_clock=frozen.id), shop.customer()
    price = shop.price()
    on_clock, free = shop.subscribe(apart, price), shop.subscribe(here, price)
    v1 = shop.client.v1
    assert [one.id for one in v1.customers.list().data] == [here.id]
    assert [one.id for one in v1.customers.list({"test_clock": frozen.id}).data] == [apart.id]
    assert [one.id for one in v1.subscriptions.list().data] == [free.id]
    asked: Any
    for asked in ({"test_clock": frozen.id}, {"customer": apart.id}):
        assert [one.id for one in v1.subscriptions.list(asked).data] == [on_clock.id]


def test_an_existing_customer_is_put_on_a_new_clock_for_good(shop: Shop) -> None:
    customer = shop.customer()
    subscription = shop.subscribe(customer, shop.price())
    clocks = shop.client.v1.test_helpers.test_clocks
    made = clocks.create({"frozen_time": NOON + DAY, "customer": customer.id})
    assert shop.again(subscription).test_clock == made.id
    shop.app.test_client().post("/sandbox/clock", json={"advance": 40 * DAY})
    assert len(shop.invoices(subscription)) == 1
    advance(shop, made, NOON + 40 * DAY)
    assert [one.status for one in shop.invoices(subscription)] == ["paid", "paid"]
    with pytest.raises(stripe.InvalidRequestError, match="already"):
        clocks.create({"frozen_time": NOON, "customer": customer.id})


def test_a_schedule_on_a_clock_starts_and_changes_phase_in_its_time(
    shop: Shop, frozen: Any
) -> None:
    customer = shop.customer(test_clock=frozen.id)
    cheap, dear = shop.price(1000), shop.price(2000)
    month = {"interval": "month", "interval_count": 1}
    schedule = shop.client.v1.subscription_schedules.create(
        {
            "customer": customer.id,
            "start_date": at(2027, 2, 10),
            "phases": [
                {"items": [{"price": cheap.id}], "duration": month},
                {"items": [{"price": dear.id}], "duration": month},
            ],
        }
    )
    assert (schedule.status, schedule.test_clock) == ("not_started", frozen.id)
    advance(shop, frozen, at(2027, 3, 11))
    schedule = shop.client.v1.subscription_schedules.retrieve(schedule.id)
    invoices = shop.client.v1.invoices.list({"subscription": schedule.subscription}).data[::-1]
    assert [(one.created, one.total) for one in invoices] == [
        (at(2027, 2, 10), 1000),
        (at(2027, 3, 10), 2000),
    ]


def test_a_schedule_ends_with_a_first_payment_that_never_came(shop: Shop, frozen: Any) -> None:
    customer = shop.customer(test_clock=frozen.id, card="pm_card_chargeCustomerFail")
    month = {"interval": "month", "interval_count": 1}
    cheap, dear = shop.price(1000), shop.price(2000)
    schedule = shop.client.v1.subscription_schedules.create(
        {
            "customer": customer.id,
            "start_date": "now",
            "phases": [
                {"items": [{"price": cheap.id}], "duration": month},
                {"items": [{"price": dear.id}], "duration": month},
            ],
        }
    )
    assert shop.client.v1.subscriptions.retrieve(schedule.subscription).status == "incomplete"
    advance(shop, frozen, at(2027, 3, 11))
    assert shop.client.v1.subscription_schedules.retrieve(schedule.id).status == "canceled"
    ended = shop.client.v1.subscriptions.retrieve(schedule.subscription)
    assert (ended.status, ended.schedule) == ("incomplete_expired", None)
    assert len(shop.events("subscription_schedule.canceled")) == 1


def test_a_checkout_and_a_portal_page_live_in_their_customers_time(shop: Shop, frozen: Any) -> None:
    customer = shop.customer(test_clock=frozen.id)
    v1 = shop.client.v1
    session = v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "customer": customer.id,
            "line_items": [{"price": shop.price().id, "quantity": 1}],
            "success_url": "http://127.0.0.1:8000/",
        }
    )
    assert session.expires_at == at(2027, 2, 1)
    portal = v1.billing_portal.sessions.create({"customer": customer.id})
    browser = shop.app.test_client()
    assert browser.get(portal.url).status_code == 200
    advance(shop, frozen, at(2027, 2, 2))
    assert v1.checkout.sessions.retrieve(session.id).status == "expired"
    assert shop.events("checkout.session.expired")[0].created == at(2027, 2, 1)
    assert browser.get(portal.url).status_code == 410


def test_an_unknown_clock_is_refused(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="No such") as refused:
        shop.client.v1.customers.create({"test_clock": "clock_000000000000000000000000"})
    assert refused.value.param == "test_clock"

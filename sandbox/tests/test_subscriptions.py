"""A subscription from its first payment to its end."""

from __future__ import annotations

import pytest
import stripe

from sandbox import Sandbox
from sandbox.tests.billing import Shop, amounts
from sandbox.tests.conftest import NOON

DAY = 86_400
JUNE = 1_780_315_200  # 1 June 2026, 12:00 UTC: a month after NOON


@pytest.fixture
def shop(stripe_client: stripe.StripeClient, app: Sandbox) -> Shop:
    return Shop(stripe_client, app)


def test_a_card_that_works_makes_an_active_subscription_with_a_paid_invoice(shop: Shop) -> None:
    customer = shop.customer()
    subscription = shop.subscribe(customer, shop.price(2900))
    assert subscription.status == "active"
    item = subscription["items"].data[0]
    assert (item.current_period_start, item.current_period_end) == (NOON, JUNE)
    invoice = shop.latest(subscription)
    assert (invoice.status, invoice.total, invoice.amount_paid) == ("paid", 2900, 2900)
    assert invoice.number == f"{customer.invoice_prefix}-0001"
    assert [line.description for line in invoice.lines.data] == [
        "1 \N{MULTIPLICATION SIGN} Team (at $29.00 / month)"
    ]
    assert [event.data.object["status"] for event in shop.events("customer.subscription.created")]
    assert shop.events("invoice.paid")[0].data.object["id"] == invoice.id


def test_an_upgrade_is_billed_as_it_was_previewed(shop: Shop, clock) -> None:
    customer = shop.customer()
    subscription = shop.subscribe(customer, shop.price(2900))
    business = shop.price(9900, name="Business")
    clock.set(NOON + 10 * DAY)
    item = subscription["items"].data[0].id
    details = {
        "items": [{"id": item, "price": business.id}],
        "proration_behavior": "always_invoice",
        "proration_date": NOON + 10 * DAY,
    }
    preview = shop.client.v1.invoices.create_preview(
        {"subscription": subscription.id, "subscription_details": details}
    )
    # May has 31 days, 21 of them are left: 2900 * 21/31 = 1964.5.. -> 1965, 9900 * 21/31 = 6706.45
    assert amounts(preview) == [-1965, 6706]
    assert [line.description for line in preview.lines.data] == [
        "Unused time on Team after 11 May 2026",
        "Remaining time on Business after 11 May 2026",
    ]
    after = shop.client.v1.subscriptions.update(subscription.id, details)
    invoice = shop.latest(after)
    assert (invoice.status, invoice.total) == ("paid", 4741)
    assert amounts(invoice) == amounts(preview)
    assert invoice.total == preview.total == preview.amount_due


def test_a_downgrade_by_schedule_comes_with_the_next_period(shop: Shop) -> None:
    team, starter = shop.price(2900), shop.price(900, name="Starter")
    subscription = shop.subscribe(shop.customer(), team)
    schedules = shop.client.v1.subscription_schedules
    schedule = schedules.create({"from_subscription": subscription.id})
    current = schedule.phases[0]
    schedules.update(
        schedule.id,
        {
            "end_behavior": "release",
            "phases": [
                {
                    "items": [{"price": team.id, "quantity": 1}],
                    "start_date": current.start_date,
                    "end_date": current.end_date,
                },
                {
                    "items": [{"price": starter.id, "quantity": 1}],
                    "proration_behavior": "none",
                    "duration": {"interval": "month"},
                },
            ],
        },
    )
    preview = shop.client.v1.invoices.create_preview({"subscription": subscription.id})
    assert amounts(preview) == [900]
    shop.travel(JUNE + 3600)
    after = shop.again(subscription)
    assert after["items"].data[0].price.id == starter.id
    assert shop.latest(after).total == 900
    assert shop.latest(after).status == "paid"
    shop.travel(JUNE + 40 * DAY)
    assert shop.again(subscription).schedule is None
    assert schedules.retrieve(schedule.id).status == "released"


def test_a_cancellation_at_period_end_can_be_taken_back(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer(), shop.price())
    update = shop.client.v1.subscriptions.update
    leaving = update(
        subscription.id,
        {
            "cancel_at_period_end": True,
            "cancellation_details": {"feedback": "too_expensive", "comment": "Sorry"},
        },
    )
    assert leaving.cancel_at == JUNE
    assert leaving.canceled_at == NOON
    assert leaving.cancellation_details.reason == "cancellation_requested"
    assert leaving.cancellation_details.feedback == "too_expensive"
    staying = update(subscription.id, {"cancel_at_period_end": False})
    assert staying.cancel_at is None
    assert staying.canceled_at is None
    assert staying.cancellation_details.reason is None
    update(subscription.id, {"cancel_at": "min_period_end"})
    assert update(subscription.id, {"cancel_at": ""}).cancel_at is None


def test_a_cancellation_at_period_end_ends_it_there(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer(), shop.price())
    shop.client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    shop.travel(JUNE + DAY)
    ended = shop.again(subscription)
    assert (ended.status, ended.ended_at) == ("canceled", JUNE)
    assert len(shop.invoices(subscription)) == 1
    assert len(shop.events("customer.subscription.deleted")) == 1
    with pytest.raises(stripe.InvalidRequestError, match="canceled subscription can only update"):
        shop.client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": False})


def test_an_open_invoice_is_paid_with_another_card(shop: Shop) -> None:
    customer = shop.customer("pm_card_chargeCustomerFail")
    subscription = shop.subscribe(customer, shop.price())
    assert subscription.status == "incomplete"
    invoice = shop.latest(subscription)
    assert (invoice.status, invoice.attempt_count) == ("open", 1)
    with pytest.raises(stripe.CardError) as refused:
        shop.client.v1.invoices.pay(invoice.id)
    assert (refused.value.http_status, refused.value.code) == (402, "card_declined")
    card = shop.card(customer)
    paid = shop.client.v1.invoices.pay(invoice.id, {"payment_method": card.id})
    assert paid.status == "paid"
    assert shop.again(subscription).status == "active"
    with pytest.raises(stripe.InvalidRequestError, match="Invoice is already paid"):
        shop.client.v1.invoices.pay(invoice.id)

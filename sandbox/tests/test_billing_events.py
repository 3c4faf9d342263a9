"""The events of a subscription's life, in the order in which things happen."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox import Sandbox
from sandbox.tests.billing import Shop
from sandbox.tests.conftest import NOON

DAY = 86_400
JUNE = NOON + 31 * DAY


@pytest.fixture
def shop(stripe_client: stripe.StripeClient, app: Sandbox) -> Shop:
    return Shop(stripe_client, app)


class Log:
    """The events since the last look."""

    def __init__(self, client: stripe.StripeClient) -> None:
        self.client = client
        self.seen: set[str] = set()

    def news(self) -> list[Any]:
        found = self.client.v1.events.list({"limit": 100}).data[::-1]
        new = [event for event in found if event.id not in self.seen]
        self.seen |= {event.id for event in new}
        return new


PAYMENT = [
    "payment_intent.created",
    "invoice.finalized",
    "invoice.updated",
    "charge.succeeded",
    "payment_intent.succeeded",
    "invoice_payment.paid",
    "invoice.updated",
    "invoice.paid",
    "invoice.payment_succeeded",
]


def types(events: list[Any]) -> list[str]:
    return [event.type for event in events]


def test_a_sign_up_an_upgrade_and_a_renewal_tell_what_happened(shop: Shop, clock: Any) -> None:
    customer, team, business = shop.customer(), shop.price(2900), shop.price(9900)
    log = Log(shop.client)
    log.news()
    subscription = shop.subscribe(customer, team)
    assert types(log.news()) == [
        "customer.subscription.created",
        "invoice.created",
        *PAYMENT,
        "customer.subscription.updated",
    ]
    clock.set(NOON + 3 * DAY)
    shop.change(subscription, business, proration_behavior="always_invoice")
    upgrade = log.news()
    assert types(upgrade) == [
        "invoiceitem.created",
        "invoiceitem.created",
        "invoice.created",
        *PAYMENT,
        "customer.subscription.updated",
    ]
    previous = upgrade[-1].data.previous_attributes.to_dict()
    assert set(previous) == {"items", "latest_invoice"}
    assert previous["items"]["data"][0]["price"]["id"] == team.id
    shop.travel(JUNE - 7 * DAY)
    [upcoming] = log.news()
    assert upcoming.type == "invoice.upcoming"
    assert upcoming.data.object["amount_due"] == 9900
    shop.travel(JUNE)
    assert types(log.news()) == ["invoice.created", "customer.subscription.updated"]
    shop.travel(JUNE + 3600)
    assert types(log.news()) == PAYMENT


def test_a_failing_renewal_tells_each_try(shop: Shop) -> None:
    customer = shop.customer()
    subscription = shop.subscribe(customer, shop.price())
    shop.card(customer, "pm_card_chargeCustomerFail")
    shop.travel(JUNE)
    log = Log(shop.client)
    log.news()
    failure = [
        "charge.failed",
        "payment_intent.payment_failed",
        "invoice.updated",
        "invoice.payment_failed",
    ]
    shop.travel(JUNE + 3600)
    first = types(log.news())
    assert [one for one in first if one in failure] == ["invoice.updated", *failure]
    assert first.count("customer.subscription.updated") == 1
    shop.travel(JUNE + 3600 + DAY)
    again = types(log.news())
    assert "invoice.payment_failed" in again
    assert "customer.subscription.updated" not in again
    shop.travel(JUNE + 15 * DAY)
    last = types(log.news())
    assert last[-1] == "customer.subscription.deleted"
    assert shop.again(subscription).status == "canceled"


def test_an_end_at_the_period_is_told_twice_now_and_then(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer(), shop.price())
    log = Log(shop.client)
    log.news()
    shop.client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    [told] = log.news()
    assert told.type == "customer.subscription.updated"
    assert set(told.data.previous_attributes.to_dict()) == {
        "cancel_at",
        "cancel_at_period_end",
        "canceled_at",
        "cancellation_details",
    }
    shop.travel(JUNE)
    [ended] = log.news()
    assert ended.type == "customer.subscription.deleted"
    assert ended.data.object["status"] == "canceled"


def test_an_update_that_changes_nothing_tells_nothing(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer(), shop.price(), metadata={"a": "1"})
    log = Log(shop.client)
    log.news()
    shop.client.v1.subscriptions.update(subscription.id, {"metadata": {"a": "1"}})
    assert log.news() == []


def test_a_discount_tells_its_beginning_and_its_end(shop: Shop) -> None:
    coupon = shop.client.v1.coupons.create({"percent_off": 10, "duration": "forever"})
    subscription = shop.subscribe(shop.customer(), shop.price(), discounts=[{"coupon": coupon.id}])
    [discount] = subscription.discounts
    assert shop.events("customer.discount.created")[0].data.object["id"] == discount
    shop.client.v1.subscriptions.delete_discount(subscription.id)
    assert shop.again(subscription).discounts == []
    assert shop.events("customer.discount.deleted")[0].data.object["id"] == discount

"""Items, extras and one-offs: what joins a subscription and what only joins an invoice."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox import Sandbox
from sandbox.tests.billing import Shop, amounts
from sandbox.tests.conftest import NOON

DAY = 86_400
JUNE = NOON + 31 * DAY


@pytest.fixture
def shop(stripe_client: stripe.StripeClient, app: Sandbox) -> Shop:
    return Shop(stripe_client, app)


def once(shop: Shop, amount: int, name: str = "Set-up") -> Any:
    product = shop.client.v1.products.create({"name": name})
    return shop.client.v1.prices.create(
        {"product": product.id, "currency": "usd", "unit_amount": amount}
    )


def test_an_item_is_added_changed_and_removed_by_itself(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer(), shop.price(3100))
    items = shop.client.v1.subscription_items
    extra = shop.price(500, name="Extra")
    added = items.create(
        {"subscription": subscription.id, "price": extra.id, "proration_behavior": "none"}
    )
    changed = items.update(added.id, {"quantity": 4, "proration_behavior": "none"})
    assert changed.quantity == 4
    assert len(items.list({"subscription": subscription.id}).data) == 2
    items.delete(added.id, {"proration_behavior": "none"})
    assert [one.id for one in items.list({"subscription": subscription.id}).data] == [
        subscription["items"].data[0].id
    ]
    with pytest.raises(stripe.InvalidRequestError):
        items.retrieve(added.id)


def test_the_same_price_twice_is_refused(shop: Shop) -> None:
    price = shop.price()
    subscription = shop.subscribe(shop.customer(), price)
    with pytest.raises(stripe.InvalidRequestError, match="same plan"):
        shop.client.v1.subscription_items.create(
            {"subscription": subscription.id, "price": price.id}
        )


@pytest.mark.parametrize("kind", ["archived", "one-time", "metered", "of another currency"])
def test_a_price_that_cannot_be_subscribed_to_is_refused(shop: Shop, kind: str) -> None:
    price = once(shop, 500) if kind == "one-time" else shop.price()
    if kind == "archived":
        shop.client.v1.prices.update(price.id, {"active": False})
    if kind == "metered":
        price = shop.price(recurring={"usage_type": "metered", "meter": "mtr_1"})
    terms = {"currency": "eur"} if kind == "of another currency" else {}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.subscribe(shop.customer(), price, **terms)
    assert refused.value.param == "items[0][price]"


def test_a_price_can_be_made_on_the_spot(shop: Shop) -> None:
    product = shop.client.v1.products.create({"name": "Bespoke"})
    data = {
        "currency": "usd",
        "product": product.id,
        "unit_amount_decimal": "1234.5",
        "recurring": {"interval": "week"},
    }
    subscription = shop.client.v1.subscriptions.create(
        {"customer": shop.customer().id, "items": [{"price_data": data, "quantity": 2}]}
    )
    assert shop.latest(subscription).total == 2469
    item = subscription["items"].data[0]
    assert item.current_period_end == NOON + 7 * DAY
    assert item.price.active is False


def test_one_time_extras_are_on_the_first_invoice_only(shop: Shop) -> None:
    setup = once(shop, 5000)
    subscription = shop.subscribe(
        shop.customer(), shop.price(2900), add_invoice_items=[{"price": setup.id}]
    )
    assert amounts(shop.latest(subscription)) == [2900, 5000]
    shop.travel(JUNE + 3600)
    assert amounts(shop.latest(subscription)) == [2900]


def test_a_one_time_price_makes_an_invoice_item(shop: Shop) -> None:
    customer, hours = shop.customer(), once(shop, 4500, "Consulting")
    entry = shop.client.v1.invoice_items.create(
        {"customer": customer.id, "pricing": {"price": hours.id}, "quantity": 3}
    )
    assert (entry.amount, entry.description, entry.quantity) == (13_500, "Consulting", 3)
    assert shop.client.v1.invoice_items.update(entry.id, {"quantity": 2}).amount == 9000
    shop.client.v1.invoice_items.delete(entry.id)
    assert shop.client.v1.invoice_items.list({"customer": customer.id}).data == []


def test_paused_collection_makes_invoices_and_collects_none(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer(), shop.price())
    update = shop.client.v1.subscriptions.update
    paused = update(
        subscription.id, {"pause_collection": {"behavior": "void", "resumes_at": JUNE + DAY}}
    )
    assert paused.status == "active"
    shop.travel(JUNE + 3600)
    assert shop.latest(subscription).status == "void"
    shop.travel(JUNE + 2 * DAY)
    assert shop.again(subscription).pause_collection is None
    update(subscription.id, {"pause_collection": {"behavior": "keep_as_draft"}})
    shop.travel(JUNE + 31 * DAY)
    assert shop.latest(subscription).status == "draft"


def test_a_day_of_the_month_can_be_agreed_on(shop: Shop) -> None:
    subscription = shop.subscribe(
        shop.customer(),
        shop.price(3000),
        billing_cycle_anchor_config={"day_of_month": 16},
        proration_behavior="none",
    )
    assert subscription.billing_cycle_anchor == NOON + 15 * DAY
    assert shop.client.v1.invoices.list({"subscription": subscription.id}).data == []
    shop.travel(NOON + 15 * DAY + 3600)
    assert amounts(shop.latest(subscription)) == [3000]


def test_a_later_end_shortens_the_last_period(shop: Shop) -> None:
    customer = shop.customer()
    subscription = shop.subscribe(customer, shop.price(3100))
    shop.client.v1.subscriptions.update(subscription.id, {"cancel_at": NOON + 21 * DAY})
    shop.travel(NOON + 22 * DAY)
    assert shop.again(subscription).ended_at == NOON + 21 * DAY
    assert shop.client.v1.customers.retrieve(customer.id).balance == -1000


def test_the_credit_of_a_cancellation_can_be_previewed(shop: Shop, clock: Any) -> None:
    subscription = shop.subscribe(shop.customer(), shop.price(3100))
    clock.set(NOON + 21 * DAY)
    preview = shop.client.v1.invoices.create_preview(
        {"subscription": subscription.id, "subscription_details": {"cancel_now": True}}
    )
    assert amounts(preview) == [-1000]
    assert shop.again(subscription).status == "active"


def test_a_discount_can_be_tried_on_in_a_preview(shop: Shop) -> None:
    coupon = shop.client.v1.coupons.create({"percent_off": 50, "duration": "once"})
    subscription = shop.subscribe(shop.customer(), shop.price(2900))
    previews = shop.client.v1.invoices.create_preview
    given = {"subscription": subscription.id, "discounts": [{"coupon": coupon.id}]}
    assert previews(given).total == 1450
    assert shop.client.v1.coupons.retrieve(coupon.id).times_redeemed == 0
    assert shop.again(subscription).discounts == []


def test_a_schedule_can_be_previewed_before_it_is_set(shop: Shop) -> None:
    team, starter = shop.price(2900), shop.price(900)
    subscription = shop.subscribe(shop.customer(), team)
    schedules, previews = shop.client.v1.subscription_schedules, shop.client.v1.invoices
    schedule = schedules.create({"from_subscription": subscription.id})
    phases = [
        {"items": [{"price": team.id}], "start_date": NOON, "end_date": JUNE},
        {"items": [{"price": starter.id}], "duration": {"interval": "month"}},
    ]
    wanted = previews.create_preview(
        {"schedule": schedule.id, "schedule_details": {"phases": phases}}
    )
    assert amounts(wanted) == [900]
    assert amounts(previews.create_preview({"schedule": schedule.id})) == [2900]
    assert len(schedules.retrieve(schedule.id).phases) == 1


def test_a_renewal_that_is_due_is_played_before_a_change(shop: Shop, clock: Any) -> None:
    subscription = shop.subscribe(shop.customer(), shop.price(3100))
    clock.set(JUNE + 10 * DAY)
    changed = shop.change(subscription, quantity=2, proration_behavior="always_invoice")
    assert [one.status for one in shop.invoices(subscription)] == ["paid", "paid", "paid"]
    # June has 30 days: 20 of them are left.
    assert amounts(shop.latest(changed)) == [-2067, 4133]

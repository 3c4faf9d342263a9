"""Subscription schedules: phases, their changes, and how a schedule ends."""

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


def planned(shop: Shop, subscription: Any, *later: dict[str, Any], **given: Any) -> Any:
    """A schedule of the subscription's present period and the later phases."""
    schedules = shop.client.v1.subscription_schedules
    schedule = schedules.create({"from_subscription": subscription.id})
    now = schedule.phases[0]
    items = [{"price": item.price, "quantity": item.quantity} for item in now["items"]]
    first = {"items": items, "start_date": now.start_date, "end_date": now.end_date}
    return schedules.update(schedule.id, {"phases": [first, *later], **given})


def phase(price: Any, **given: Any) -> dict[str, Any]:
    return {"items": [{"price": price.id, "quantity": 1}], **given}


def test_a_schedule_takes_over_what_the_subscription_has(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer(), shop.price(), quantity=3)
    schedules = shop.client.v1.subscription_schedules
    schedule = schedules.create({"from_subscription": subscription.id})
    assert (schedule.status, schedule.end_behavior) == ("active", "release")
    assert schedule.phases[0]["items"][0].quantity == 3
    assert (schedule.current_phase.start_date, schedule.current_phase.end_date) == (NOON, JUNE)
    assert shop.again(subscription).schedule == schedule.id
    with pytest.raises(stripe.InvalidRequestError, match="already attached to a schedule"):
        schedules.create({"from_subscription": subscription.id})
    assert [one.id for one in schedules.list({"customer": subscription.customer}).data] == [
        schedule.id
    ]


def test_yearly_to_monthly_comes_when_the_year_is_over(shop: Shop) -> None:
    yearly, monthly = shop.price(29_000, "year"), shop.price(2900)
    subscription = shop.subscribe(shop.customer(), yearly)
    end = subscription["items"].data[0].current_period_end
    later = phase(monthly, proration_behavior="none", duration={"interval": "month"})
    planned(shop, subscription, later)
    preview = shop.client.v1.invoices.create_preview({"subscription": subscription.id})
    assert (amounts(preview), preview.period_end) == ([2900], end)
    shop.travel(end + 3600)
    renewed = shop.again(subscription)
    item = renewed["items"].data[0]
    assert item.price.id == monthly.id
    assert item.current_period_end == end + 31 * DAY
    assert amounts(shop.latest(subscription)) == [2900]
    assert len(shop.invoices(subscription)) == 2


def test_a_price_archived_after_it_was_planned_comes_all_the_same(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer(), shop.price())
    later = shop.price(2900)
    planned(shop, subscription, phase(later, duration={"interval": "month"}))
    shop.client.v1.prices.update(later.id, {"active": False})
    preview = shop.client.v1.invoices.create_preview({"subscription": subscription.id})
    assert amounts(preview) == [2900]
    shop.travel(JUNE + 3600)
    assert shop.again(subscription)["items"].data[0].price.id == later.id
    assert amounts(shop.latest(subscription)) == [2900]


def test_a_planned_change_can_be_undone(shop: Shop) -> None:
    team = shop.price()
    subscription = shop.subscribe(shop.customer(), team)
    schedule = planned(shop, subscription, phase(shop.price(900), duration={"interval": "month"}))
    released = shop.client.v1.subscription_schedules.release(schedule.id)
    assert (released.status, released.released_subscription) == ("released", subscription.id)
    assert released.subscription is None
    assert shop.again(subscription).schedule is None
    shop.travel(JUNE + 3600)
    assert amounts(shop.latest(subscription)) == [2900]
    with pytest.raises(stripe.InvalidRequestError, match="released"):
        shop.client.v1.subscription_schedules.release(schedule.id)


def test_a_phase_in_the_middle_of_a_period_is_prorated(shop: Shop) -> None:
    team, business = shop.price(3100), shop.price(6200, name="Business")
    subscription = shop.subscribe(shop.customer(), team)
    schedules = shop.client.v1.subscription_schedules
    schedule = schedules.create({"from_subscription": subscription.id})
    schedules.update(
        schedule.id,
        {
            "phases": [
                phase(team, start_date=NOON, end_date=NOON + 21 * DAY),
                phase(business, proration_behavior="always_invoice", end_date=JUNE),
            ]
        },
    )
    shop.travel(NOON + 21 * DAY)
    # Ten days of 100 back, ten days of 200.
    assert amounts(shop.latest(subscription)) == [-1000, 2000]
    assert shop.again(subscription)["items"].data[0].price.id == business.id
    assert schedules.retrieve(schedule.id).current_phase.start_date == NOON + 21 * DAY


def test_a_schedule_can_end_its_subscription(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer(), shop.price())
    schedule = planned(shop, subscription, end_behavior="cancel")
    shop.travel(JUNE + DAY)
    assert shop.again(subscription).status == "canceled"
    assert len(shop.invoices(subscription)) == 1
    done = shop.client.v1.subscription_schedules.retrieve(schedule.id)
    assert (done.status, done.completed_at) == ("completed", JUNE)


def test_cancelling_a_scheduled_subscription_directly_is_refused(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer(), shop.price())
    schedule = planned(shop, subscription, phase(shop.price(900), duration={"interval": "month"}))
    with pytest.raises(stripe.InvalidRequestError, match="managed by the subscription schedule"):
        shop.client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    canceled = shop.client.v1.subscription_schedules.cancel(schedule.id)
    assert canceled.status == "canceled"
    assert shop.again(subscription).status == "canceled"


def test_a_direct_change_becomes_part_of_the_current_phase(shop: Shop) -> None:
    starter = shop.price(900)
    subscription = shop.subscribe(shop.customer(), shop.price())
    schedule = planned(shop, subscription, phase(starter, duration={"interval": "month"}))
    shop.change(subscription, quantity=4, proration_behavior="none")
    after = shop.client.v1.subscription_schedules.retrieve(schedule.id)
    assert [one["items"][0].quantity for one in after.phases] == [4, 1]
    assert after.phases[1]["items"][0].price == starter.id


def test_a_schedule_can_start_a_subscription_later(shop: Shop) -> None:
    customer, team = shop.customer(), shop.price()
    schedule = shop.client.v1.subscription_schedules.create(
        {
            "customer": customer.id,
            "start_date": NOON + 5 * DAY,
            "end_behavior": "cancel",
            "phases": [phase(team, duration={"interval": "month", "interval_count": 2})],
        }
    )
    assert (schedule.status, schedule.subscription) == ("not_started", None)
    shop.travel(NOON + 5 * DAY)
    started = shop.client.v1.subscription_schedules.retrieve(schedule.id)
    assert started.status == "active"
    subscription = shop.client.v1.subscriptions.retrieve(started.subscription)
    assert (subscription.status, subscription.start_date) == ("active", NOON + 5 * DAY)
    shop.travel(NOON + 80 * DAY)
    assert shop.again(subscription).status == "canceled"
    assert [one.total for one in shop.invoices(subscription)] == [2900, 2900]


def test_phases_without_a_gap_and_with_a_start_are_asked_for(shop: Shop) -> None:
    team = shop.price()
    subscription = shop.subscribe(shop.customer(), team)
    schedules = shop.client.v1.subscription_schedules
    schedule = schedules.create({"from_subscription": subscription.id})
    with pytest.raises(stripe.InvalidRequestError, match="start date of the current phase"):
        schedules.update(schedule.id, {"phases": [phase(team)]})
    gap = [
        phase(team, start_date=NOON, end_date=JUNE),
        phase(team, start_date=JUNE + DAY, duration={"interval": "month"}),
    ]
    with pytest.raises(stripe.InvalidRequestError, match="without gaps"):
        schedules.update(schedule.id, {"phases": gap})

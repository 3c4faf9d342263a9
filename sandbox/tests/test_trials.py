"""Trials: with a card and without, ended by time, early, or at Checkout."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
import stripe

from sandbox import Sandbox
from sandbox.tests.billing import Shop, amounts
from sandbox.tests.conftest import NOON

HOUR = 3600
DAY = 86_400
END = NOON + 14 * DAY


@pytest.fixture
def shop(stripe_client: stripe.StripeClient, app: Sandbox) -> Shop:
    return Shop(stripe_client, app)


def trial(shop: Shop, card: str | None = "pm_card_visa", behavior: str | None = None) -> Any:
    given: dict[str, Any] = {"trial_period_days": 14}
    if behavior:
        given["trial_settings"] = {"end_behavior": {"missing_payment_method": behavior}}
    return shop.subscribe(shop.customer(card), shop.price(2900), **given)


def test_a_trial_ends_in_a_paid_month_that_starts_with_its_end(shop: Shop) -> None:
    subscription = trial(shop)
    shop.travel(END)
    after = shop.again(subscription)
    assert (after.status, after.billing_cycle_anchor) == ("active", END)
    assert shop.latest(subscription).status == "draft"
    shop.travel(END + HOUR)
    assert shop.latest(subscription).amount_paid == 2900
    assert after["items"].data[0].current_period_end == END + 31 * DAY
    assert len(shop.events("customer.subscription.trial_will_end")) == 1


def test_a_declined_card_after_a_trial_makes_it_past_due(shop: Shop) -> None:
    subscription = trial(shop, "pm_card_chargeCustomerFail")
    shop.travel(END + HOUR)
    assert shop.again(subscription).status == "past_due"
    assert shop.latest(subscription).next_payment_attempt == END + HOUR + DAY


@pytest.mark.parametrize(
    ("behavior", "status", "event"),
    [
        ("create_invoice", "past_due", "invoice.payment_failed"),
        ("cancel", "canceled", "customer.subscription.deleted"),
        ("pause", "paused", "customer.subscription.paused"),
    ],
)
def test_a_trial_without_a_card_ends_as_it_was_told_to(
    shop: Shop, behavior: str, status: str, event: str
) -> None:
    subscription = trial(shop, None, behavior)
    shop.travel(END + HOUR)
    assert shop.again(subscription).status == status
    assert len(shop.events(event)) == 1
    assert len(shop.invoices(subscription)) == (2 if behavior == "create_invoice" else 1)


def test_a_card_added_during_the_trial_pays_whatever_was_set(shop: Shop) -> None:
    subscription = trial(shop, None, "cancel")
    shop.travel(NOON + 10 * DAY)
    shop.card(shop.client.v1.customers.retrieve(subscription.customer))
    shop.travel(END + HOUR)
    assert shop.again(subscription).status == "active"
    assert shop.latest(subscription).amount_paid == 2900


def test_a_card_added_after_the_trial_pays_at_the_next_try(shop: Shop) -> None:
    subscription = trial(shop, None, "create_invoice")
    shop.travel(END + 2 * DAY)
    assert shop.again(subscription).status == "past_due"
    shop.card(shop.client.v1.customers.retrieve(subscription.customer))
    assert shop.latest(subscription).status == "open"
    shop.travel(END + HOUR + 3 * DAY)
    assert shop.again(subscription).status == "active"


@pytest.mark.parametrize(
    ("card", "status"),
    [
        ("pm_card_visa", "active"),
        ("pm_card_chargeCustomerFail", "past_due"),
        ("pm_card_threeDSecure2Required", "past_due"),
    ],
)
def test_a_trial_ended_early_is_billed_at_once(
    shop: Shop, clock: Any, card: str, status: str
) -> None:
    subscription = trial(shop, card)
    clock.advance(5 * DAY)
    ended = shop.client.v1.subscriptions.update(subscription.id, {"trial_end": "now"})
    assert (ended.status, ended.trial_end) == (status, NOON + 5 * DAY)
    invoice = shop.latest(subscription)
    assert amounts(invoice) == [2900]
    assert invoice.status == ("paid" if status == "active" else "open")
    assert ended["items"].data[0].current_period_start == NOON + 5 * DAY


def test_a_trial_that_is_made_longer_ends_later(shop: Shop, clock: Any) -> None:
    subscription = trial(shop)
    clock.advance(5 * DAY)
    longer = shop.client.v1.subscriptions.update(subscription.id, {"trial_end": END + 7 * DAY})
    assert (longer.status, longer.trial_end) == ("trialing", END + 7 * DAY)
    shop.travel(END + DAY)
    assert shop.again(subscription).status == "trialing"
    shop.travel(END + 7 * DAY + HOUR)
    assert shop.latest(subscription).amount_paid == 2900


def test_a_trial_canceled_ends_without_a_charge(shop: Shop) -> None:
    subscription = trial(shop)
    shop.client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    assert shop.again(subscription).cancel_at == END
    shop.travel(END + DAY)
    assert shop.again(subscription).status == "canceled"
    assert shop.events("charge.succeeded") == []


# At Checkout --------------------------------------------------------------------------------------


def checkout(shop: Shop, **given: Any) -> Any:
    return shop.client.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "line_items": [{"price": shop.price(2900).id, "quantity": 1}],
            "success_url": "https://shop.example/done",
            "payment_method_collection": "if_required",
            **given,
        }
    )


def submit(shop: Shop, session: Any, **form: str) -> Any:
    path = urlsplit(session.url).path
    fields = {"action": "pay", "email": "ann@example.com", "name": "Ann Lee", "country": "DE"}
    return shop.app.test_client().post(path, data=fields | form)


@pytest.mark.parametrize("behavior", ["cancel", "pause"])
def test_a_trial_is_started_at_checkout_without_a_card(shop: Shop, behavior: str) -> None:
    session = checkout(
        shop,
        subscription_data={
            "trial_period_days": 14,
            "trial_settings": {"end_behavior": {"missing_payment_method": behavior}},
        },
    )
    page = shop.app.test_client().get(urlsplit(session.url).path).text
    assert "14 days free" in page
    assert "Card number" not in page
    assert "No card is needed today. Without one your plan" in page
    assert submit(shop, session).status_code == 303
    done = shop.client.v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription"]})
    assert (done.status, done.payment_status) == ("complete", "no_payment_required")
    subscription = done.subscription
    assert (subscription.status, subscription.trial_end) == ("trialing", END)
    assert subscription.default_payment_method is None
    assert subscription.trial_settings.end_behavior.missing_payment_method == behavior
    shop.travel(END)
    assert shop.again(subscription).status == {"cancel": "canceled", "pause": "paused"}[behavior]


def test_a_trial_until_a_date_is_started_at_checkout(shop: Shop) -> None:
    session = checkout(shop, subscription_data={"trial_end": NOON + 30 * DAY})
    assert session.amount_total == 0
    submit(shop, session)
    [subscription] = shop.client.v1.subscriptions.list().data
    assert (subscription.status, subscription.trial_end) == ("trialing", NOON + 30 * DAY)


def test_what_is_due_today_still_asks_for_a_card(shop: Shop) -> None:
    session = checkout(shop)
    assert "Card number" in shop.app.test_client().get(urlsplit(session.url).path).text
    assert submit(shop, session).status_code == 422
    assert shop.client.v1.subscriptions.list().data == []


def test_a_code_that_makes_it_free_takes_the_card_form_away(shop: Shop) -> None:
    coupon = shop.client.v1.coupons.create({"percent_off": 100, "duration": "once"})
    shop.client.v1.promotion_codes.create(
        {"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "FREE"}
    )
    session = checkout(shop, allow_promotion_codes=True)
    page = submit(shop, session, action="promotion-code", promotion_code="FREE").text
    assert "Card number" not in page
    submit(shop, session)
    [subscription] = shop.client.v1.subscriptions.list().data
    assert subscription.status == "active"


def test_a_trial_asks_for_a_card_by_default(shop: Shop) -> None:
    session = checkout(
        shop, payment_method_collection="always", subscription_data={"trial_period_days": 14}
    )
    assert "Card number" in shop.app.test_client().get(urlsplit(session.url).path).text
    assert submit(shop, session).status_code == 422

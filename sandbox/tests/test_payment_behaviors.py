"""What happens when a subscription's payment does not go through, at its start and at a change."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox import Sandbox
from sandbox.engine import paying
from sandbox.store import store
from sandbox.tests.billing import Shop, amounts
from sandbox.tests.conftest import NOON

DAY = 86_400
JUNE = NOON + 31 * DAY


@pytest.fixture
def shop(stripe_client: stripe.StripeClient, app: Sandbox) -> Shop:
    return Shop(stripe_client, app)


def everything(shop: Shop, *but: str) -> dict[str, int]:
    """How many documents of each kind there are."""
    with shop.app.storage.transaction():
        return {kind: count for kind, count in store.kinds() if kind not in but}


def test_allow_incomplete_waits_23_hours_for_the_first_payment(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer("pm_card_chargeCustomerFail"), shop.price())
    assert subscription.status == "incomplete"
    assert shop.latest(subscription).status == "open"
    shop.travel(NOON + 23 * 3600 - 1)
    assert shop.again(subscription).status == "incomplete"
    shop.travel(NOON + 23 * 3600)
    assert shop.again(subscription).status == "incomplete_expired"
    assert shop.latest(subscription).status == "void"


def test_three_d_secure_at_the_start_is_finished_by_the_customer(shop: Shop) -> None:
    subscription = shop.subscribe(
        shop.customer("pm_card_threeDSecure2Required"),
        shop.price(),
    )
    assert subscription.status == "incomplete"
    [payment] = shop.client.v1.invoice_payments.list(
        {"invoice": subscription.latest_invoice, "expand": ["data.payment.payment_intent"]}
    ).data
    intent = payment.payment.payment_intent
    assert intent.status == "requires_action"
    assert shop.events("invoice.payment_action_required")
    with shop.app.app_context(), shop.app.storage.transaction():
        paying.complete_authentication(store.get("payment_intent", intent.id), True)
    assert shop.again(subscription).status == "active"
    assert shop.latest(subscription).status == "paid"


def test_default_incomplete_attempts_nothing_by_itself(shop: Shop) -> None:
    subscription = shop.subscribe(
        shop.customer(), shop.price(), payment_behavior="default_incomplete"
    )
    assert subscription.status == "incomplete"
    invoice = shop.latest(subscription)
    assert (invoice.status, invoice.attempted, invoice.attempt_count) == ("open", False, 0)
    assert shop.events("charge.succeeded") == []


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ("pm_card_chargeCustomerFail", "card_declined"),
        ("pm_card_threeDSecure2Required", "subscription_payment_intent_requires_action"),
    ],
)
def test_error_if_incomplete_creates_nothing(shop: Shop, card: str, code: str) -> None:
    customer, price = shop.customer(card), shop.price()
    before = everything(shop)
    with pytest.raises(stripe.CardError) as refused:
        shop.subscribe(customer, price, payment_behavior="error_if_incomplete")
    assert (refused.value.http_status, refused.value.code) == (402, code)
    assert everything(shop) == before


def test_without_a_payment_method_nothing_starts(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source"):
        shop.subscribe(shop.customer(None), shop.price())


def test_the_first_card_can_stay_the_subscriptions_own(shop: Shop) -> None:
    subscription = shop.subscribe(
        shop.customer(None),
        shop.price(),
        payment_behavior="default_incomplete",
        payment_settings={"save_default_payment_method": "on_subscription"},
        expand=["latest_invoice.confirmation_secret"],
    )
    secret = subscription.latest_invoice.confirmation_secret.client_secret
    paid = shop.client.v1.payment_intents.confirm(
        secret.split("_secret_")[0], {"payment_method": "pm_card_mastercard"}
    )
    after = shop.again(subscription)
    assert after.status == "active"
    assert after.default_payment_method == paid.payment_method
    saved = shop.client.v1.payment_methods.retrieve(paid.payment_method)
    assert saved.customer == subscription.customer


def failing(shop: Shop) -> tuple[Any, Any]:
    """A running subscription whose customer's default card has begun to fail, and a dearer price"""
    customer = shop.customer()
    subscription = shop.subscribe(customer, shop.price(2900))
    shop.card(customer, "pm_card_chargeCustomerFail")
    return subscription, shop.price(9900, name="Business")


def test_a_refused_upgrade_changes_nothing(shop: Shop, clock: Any) -> None:
    subscription, business = failing(shop)
    clock.set(NOON + 5 * DAY)
    before, counted = shop.again(subscription).to_dict(), everything(shop)
    with pytest.raises(stripe.CardError) as refused:
        shop.change(
            subscription,
            business,
            proration_behavior="always_invoice",
            payment_behavior="error_if_incomplete",
        )
    assert refused.value.http_status == 402
    assert shop.again(subscription).to_dict() == before
    assert everything(shop) == counted


def test_an_allowed_upgrade_that_fails_falls_past_due(shop: Shop, clock: Any) -> None:
    subscription, business = failing(shop)
    clock.set(NOON + 5 * DAY)
    changed = shop.change(subscription, business, proration_behavior="always_invoice")
    assert changed.status == "past_due"
    assert changed["items"].data[0].price.id == business.id
    card = shop.client.v1.payment_methods.attach(
        "pm_card_visa", {"customer": subscription.customer}
    )
    shop.client.v1.invoices.pay(changed.latest_invoice, {"payment_method": card.id})
    assert shop.again(subscription).status == "active"


def test_a_pending_upgrade_waits_for_its_payment(shop: Shop, clock: Any) -> None:
    subscription, business = failing(shop)
    clock.set(NOON + 5 * DAY)
    pending = shop.change(
        subscription,
        business,
        proration_behavior="always_invoice",
        payment_behavior="pending_if_incomplete",
    )
    assert pending.status == "active"
    assert pending["items"].data[0].price.id == subscription["items"].data[0].price.id
    update = pending.pending_update
    assert update.expires_at == NOON + 5 * DAY + 23 * 3600
    assert update.subscription_items[0].price.id == business.id
    card = shop.client.v1.payment_methods.attach(
        "pm_card_visa", {"customer": subscription.customer}
    )
    shop.client.v1.invoices.pay(pending.latest_invoice, {"payment_method": card.id})
    applied = shop.again(subscription)
    assert applied.pending_update is None
    assert applied["items"].data[0].price.id == business.id
    assert shop.events("customer.subscription.pending_update_applied")


def test_a_pending_upgrade_that_is_not_paid_is_forgotten(shop: Shop, clock: Any) -> None:
    subscription, business = failing(shop)
    clock.set(NOON + 5 * DAY)
    pending = shop.change(
        subscription,
        business,
        proration_behavior="always_invoice",
        payment_behavior="pending_if_incomplete",
    )
    shop.travel(NOON + 7 * DAY)
    after = shop.again(subscription)
    assert after.pending_update is None
    assert after.status == "active"
    assert after["items"].data[0].price.id == subscription["items"].data[0].price.id
    assert shop.client.v1.invoices.retrieve(pending.latest_invoice).status == "void"
    assert shop.events("customer.subscription.pending_update_expired")
    # What the forgotten upgrade would have cost is not billed later either.
    shop.card(shop.client.v1.customers.retrieve(subscription.customer))
    shop.travel(JUNE + 3600)
    assert amounts(shop.latest(subscription)) == [2900]


def test_a_trial_is_free_announced_and_then_billed(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer(), shop.price(2900), trial_period_days=14)
    assert (subscription.status, subscription.trial_end) == ("trialing", NOON + 14 * DAY)
    first = shop.latest(subscription)
    assert (first.status, first.total) == ("paid", 0)
    assert first.lines.data[0].description == "Trial period for Team"
    shop.travel(NOON + 11 * DAY)
    assert len(shop.events("customer.subscription.trial_will_end")) == 1
    shop.travel(NOON + 14 * DAY + 3600)
    after = shop.again(subscription)
    assert after.status == "active"
    assert shop.latest(subscription).total == 2900
    assert after["items"].data[0].current_period_start == NOON + 14 * DAY


def test_a_trial_without_a_card_can_end_in_cancellation(shop: Shop) -> None:
    subscription = shop.subscribe(
        shop.customer(None),
        shop.price(),
        trial_period_days=7,
        trial_settings={"end_behavior": {"missing_payment_method": "cancel"}},
    )
    shop.travel(NOON + 8 * DAY)
    assert shop.again(subscription).status == "canceled"


def test_a_trial_without_a_card_can_end_in_a_pause_and_be_resumed(shop: Shop) -> None:
    customer = shop.customer(None)
    subscription = shop.subscribe(
        customer,
        shop.price(),
        trial_period_days=7,
        trial_settings={"end_behavior": {"missing_payment_method": "pause"}},
    )
    shop.travel(NOON + 8 * DAY)
    paused = shop.again(subscription)
    assert paused.status == "paused"
    assert paused.status_details.paused.subscription.type == "trial_end_without_payment_method"
    shop.card(customer)
    resumed = shop.client.v1.subscriptions.resume(
        subscription.id, {"payment_behavior": "resume_on_payment_success"}
    )
    assert resumed.status == "active"
    assert shop.latest(subscription).status == "paid"


def test_a_trial_can_be_ended_now(shop: Shop, clock: Any) -> None:
    subscription = shop.subscribe(shop.customer(), shop.price(2900), trial_period_days=14)
    clock.advance(DAY)
    ended = shop.client.v1.subscriptions.update(subscription.id, {"trial_end": "now"})
    assert (ended.status, ended.trial_end) == ("active", NOON + DAY)
    assert ended.billing_cycle_anchor == NOON + DAY
    assert shop.latest(subscription).total == 2900


def test_a_failed_renewal_is_retried_eight_times_in_two_weeks(shop: Shop) -> None:
    subscription, _ = failing(shop)
    shop.travel(JUNE + 3600)
    invoice = shop.latest(subscription)
    assert (invoice.status, invoice.attempt_count) == ("open", 1)
    assert invoice.next_payment_attempt > JUNE + 3600
    assert shop.again(subscription).status == "past_due"
    shop.travel(JUNE + 3600 + 14 * DAY - 1)
    assert shop.again(subscription).status == "past_due"
    shop.travel(JUNE + 3600 + 14 * DAY)
    ended = shop.again(subscription)
    assert ended.status == "canceled"
    assert ended.cancellation_details.reason == "payment_failed"
    assert shop.latest(subscription).attempt_count == 8
    assert len(shop.events("charge.failed")) == 8


def test_a_retry_with_a_new_card_saves_the_subscription(shop: Shop) -> None:
    subscription, _ = failing(shop)
    shop.travel(JUNE + 3600)
    shop.card(shop.client.v1.customers.retrieve(subscription.customer))
    shop.travel(JUNE + 3600 + 2 * DAY)
    assert shop.latest(subscription).status == "paid"
    assert shop.again(subscription).status == "active"
    changes = [
        event.data.previous_attributes.to_dict().get("status")
        for event in shop.events("customer.subscription.updated")
    ]
    assert [one for one in changes if one] == ["incomplete", "active", "past_due"]


def test_a_renewal_that_the_bank_must_confirm_says_so(shop: Shop) -> None:
    customer = shop.customer()
    subscription = shop.subscribe(customer, shop.price())
    shop.card(customer, "pm_card_authenticationRequired")
    shop.travel(JUNE + 3600)
    assert shop.again(subscription).status == "past_due"
    assert len(shop.events("invoice.payment_action_required")) == 1
    with pytest.raises(stripe.CardError) as refused:
        shop.client.v1.invoices.pay(shop.latest(subscription).id, {"off_session": False})
    assert refused.value.code == "invoice_payment_intent_requires_action"


def test_a_renewal_is_a_draft_for_an_hour(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer(), shop.price())
    shop.travel(JUNE)
    draft = shop.latest(subscription)
    assert (draft.status, draft.automatically_finalizes_at) == ("draft", JUNE + 3600)
    assert (draft.period_start, draft.period_end) == (NOON, JUNE)
    item = shop.again(subscription)["items"].data[0]
    assert item.current_period_start == JUNE
    shop.travel(JUNE + 3600)
    assert shop.latest(subscription).status == "paid"


def test_a_year_of_renewals_is_played_in_order(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer(), shop.price(2900))
    shop.travel(NOON + 365 * DAY + 3600)
    made = shop.invoices(subscription)
    assert [one.total for one in made] == [2900] * 13
    assert {one.status for one in made} == {"paid"}
    assert [one.created for one in made] == sorted(one.created for one in made)


def test_a_subscription_can_start_with_a_part_of_a_period(shop: Shop) -> None:
    subscription = shop.subscribe(
        shop.customer(), shop.price(3100), billing_cycle_anchor=NOON + 10 * DAY
    )
    # The month before 11 May is April's: 30 days, so 3100 * 10/30.
    assert amounts(shop.latest(subscription)) == [1033]
    shop.travel(NOON + 10 * DAY + 3600)
    assert amounts(shop.latest(subscription)) == [3100]


def test_a_second_currency_is_billed_by_the_prices_options(shop: Shop) -> None:
    price = shop.price(2900, currency_options={"eur": {"unit_amount": 2700}})
    subscription = shop.subscribe(shop.customer(), price, currency="eur")
    invoice = shop.latest(subscription)
    assert (invoice.currency, invoice.total) == ("eur", 2700)
    with pytest.raises(stripe.InvalidRequestError, match="only supports"):
        shop.subscribe(shop.customer(), price, currency="gbp")


def test_an_invoiced_subscription_is_due_later(shop: Shop) -> None:
    subscription = shop.subscribe(
        shop.customer(None), shop.price(), collection_method="send_invoice", days_until_due=30
    )
    assert subscription.status == "active"
    assert shop.latest(subscription).status == "draft"
    shop.travel(NOON + 3600)
    invoice = shop.latest(subscription)
    assert (invoice.status, invoice.due_date) == ("open", NOON + 30 * DAY)
    shop.travel(NOON + 30 * DAY)
    assert shop.again(subscription).status == "past_due"


def test_cancelling_now_credits_and_bills_when_asked(shop: Shop, clock: Any) -> None:
    customer = shop.customer()
    subscription = shop.subscribe(customer, shop.price(3100))
    clock.set(NOON + 21 * DAY)
    ended = shop.client.v1.subscriptions.cancel(
        subscription.id,
        {
            "invoice_now": True,
            "prorate": True,
            "cancellation_details": {"feedback": "unused", "comment": "Bye"},
        },
    )
    assert (ended.status, ended.ended_at) == ("canceled", NOON + 21 * DAY)
    assert ended.cancellation_details.feedback == "unused"
    assert amounts(shop.latest(subscription)) == [-1000]
    assert shop.client.v1.customers.retrieve(customer.id).balance == -1000
    with pytest.raises(stripe.InvalidRequestError) as gone:
        shop.client.v1.subscriptions.cancel(subscription.id)
    assert gone.value.code == "resource_missing"


def test_ended_subscriptions_are_listed_only_when_asked_for(shop: Shop) -> None:
    customer, price = shop.customer(), shop.price()
    kept, ended = shop.subscribe(customer, price), shop.subscribe(customer, price)
    shop.client.v1.subscriptions.cancel(ended.id)

    def ids(**filters: Any) -> set[str]:
        return {one.id for one in shop.client.v1.subscriptions.list(filters).data}

    assert ids() == ids(status="active") == {kept.id}
    assert ids(status="all") == ids(status="all", customer=customer.id) == {kept.id, ended.id}
    assert ids(status="canceled") == ids(status="ended") == {ended.id}
    assert ids(price=price.id) == {kept.id}

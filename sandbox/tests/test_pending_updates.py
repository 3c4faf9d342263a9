"""An upgrade that waits for its payment: until when, and what ends the wait."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox import Sandbox
from sandbox.engine import paying
from sandbox.store import store
from sandbox.tests.billing import Shop, amounts
from sandbox.tests.conftest import NOON

HOUR = 3600
DAY = 86_400
JUNE = NOON + 31 * DAY
WAIT = {"proration_behavior": "always_invoice", "payment_behavior": "pending_if_incomplete"}


@pytest.fixture
def shop(stripe_client: stripe.StripeClient, app: Sandbox) -> Shop:
    return Shop(stripe_client, app)


def waiting(
    shop: Shop, at: int = NOON + 10 * DAY, card: str = "pm_card_chargeCustomerFail"
) -> tuple[Any, Any]:
    """A subscription for 31.00 a month whose upgrade to 93.00, asked for at `at`, was not paid."""
    customer = shop.customer()
    subscription = shop.subscribe(customer, shop.price(3100))
    shop.travel(at)
    shop.card(customer, card)
    return customer, shop.change(subscription, shop.price(9300, name="Business"), **WAIT)


def test_the_wait_is_23_hours(shop: Shop) -> None:
    _, subscription = waiting(shop)
    assert subscription.status == "active"
    assert subscription.pending_update.expires_at == NOON + 10 * DAY + 23 * HOUR
    invoice = shop.latest(subscription)
    # 21 of 31 days are left: -21.00 of the old price, 63.00 of the new one.
    assert (amounts(invoice), invoice.amount_due) == ([-2100, 6300], 4200)
    assert invoice.next_payment_attempt is None


def test_the_wait_ends_with_the_period_and_the_renewal_bills_the_old_price(shop: Shop) -> None:
    customer, subscription = waiting(shop, JUNE - 20 * HOUR)
    assert subscription.pending_update.expires_at == JUNE
    shop.card(customer)
    shop.travel(JUNE + HOUR)
    after = shop.again(subscription)
    assert (after.pending_update, after["items"].data[0].price.unit_amount) == (None, 3100)
    renewal = shop.latest(subscription)
    assert (amounts(renewal), renewal.status) == ([3100], "paid")
    assert shop.client.v1.invoices.retrieve(subscription.latest_invoice).status == "void"
    assert len(shop.events("customer.subscription.pending_update_expired")) == 1


def test_an_upgrade_that_the_bank_confirms_is_made(shop: Shop) -> None:
    _, subscription = waiting(shop, card="pm_card_authenticationRequired")
    assert subscription.pending_update
    [payment] = shop.client.v1.invoice_payments.list({"invoice": subscription.latest_invoice}).data
    with shop.app.app_context(), shop.app.storage.transaction():
        intent = store.get("payment_intent", payment.payment.payment_intent)
        paying.complete_authentication(intent, True)
    after = shop.again(subscription)
    assert (after.pending_update, after["items"].data[0].price.unit_amount) == (None, 9300)
    assert shop.latest(subscription).amount_paid == 4200
    shop.card(shop.client.v1.customers.retrieve(after.customer))
    shop.travel(JUNE + HOUR)
    assert amounts(shop.latest(subscription)) == [9300]


def test_a_refused_confirmation_leaves_the_upgrade_waiting(shop: Shop) -> None:
    customer, subscription = waiting(shop, card="pm_card_authenticationRequired")
    [payment] = shop.client.v1.invoice_payments.list({"invoice": subscription.latest_invoice}).data
    with shop.app.app_context(), shop.app.storage.transaction():
        intent = store.get("payment_intent", payment.payment.payment_intent)
        paying.complete_authentication(intent, False)
    still = shop.again(subscription)
    assert (still.status, bool(still.pending_update)) == ("active", True)
    shop.card(customer)
    shop.client.v1.invoices.pay(subscription.latest_invoice)
    assert shop.again(subscription)["items"].data[0].price.unit_amount == 9300


def test_voiding_its_invoice_drops_the_upgrade(shop: Shop) -> None:
    _, subscription = waiting(shop)
    shop.client.v1.invoices.void_invoice(subscription.latest_invoice)
    after = shop.again(subscription)
    assert (after.pending_update, after.status) == (None, "active")
    assert after["items"].data[0].price.unit_amount == 3100


def test_a_second_upgrade_takes_the_place_of_the_first(shop: Shop) -> None:
    customer, first = waiting(shop)
    shop.card(customer)
    second = shop.change(first, shop.price(6200, name="Plus"), **WAIT)
    assert (second.pending_update, second["items"].data[0].price.unit_amount) == (None, 6200)
    assert shop.client.v1.invoices.retrieve(first.latest_invoice).status == "void"
    assert amounts(shop.latest(second)) == [-2100, 4200]  # 21/31 of 31.00 and of 62.00
    assert len(shop.events("customer.subscription.pending_update_expired")) == 1


def test_what_has_nothing_to_do_with_it_leaves_it_waiting(shop: Shop) -> None:
    _, subscription = waiting(shop)
    changed = shop.client.v1.subscriptions.update(subscription.id, {"metadata": {"a": "b"}})
    assert changed.pending_update
    shop.client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    assert shop.again(subscription).pending_update


def test_only_a_change_of_price_can_wait(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer(), shop.price())
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.client.v1.subscriptions.update(subscription.id, WAIT | {"metadata": {"a": "b"}})
    assert refused.value.param == "metadata"


def test_an_earlier_one_off_waits_again_when_the_upgrade_is_dropped(shop: Shop) -> None:
    customer = shop.customer()
    subscription = shop.subscribe(customer, shop.price(3100))
    shop.client.v1.invoice_items.create(
        {"customer": customer.id, "amount": 500, "currency": "usd", "description": "Setup"}
    )
    shop.travel(NOON + 10 * DAY)
    shop.card(customer, "pm_card_chargeCustomerFail")
    pending = shop.change(subscription, shop.price(9300, name="Business"), **WAIT)
    assert sorted(amounts(shop.latest(pending))) == [-2100, 500, 6300]
    shop.client.v1.invoices.void_invoice(pending.latest_invoice)
    shop.card(customer)
    shop.travel(JUNE + HOUR)
    assert sorted(amounts(shop.latest(subscription))) == [500, 3100]


def test_cancelling_drops_the_upgrade_and_voids_its_invoice(shop: Shop) -> None:
    _, subscription = waiting(shop)
    ended = shop.client.v1.subscriptions.cancel(subscription.id)
    assert (ended.status, ended.pending_update) == ("canceled", None)
    assert shop.client.v1.invoices.retrieve(subscription.latest_invoice).status == "void"

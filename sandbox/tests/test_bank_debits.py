"""Bank debits: days in processing, then the money or a return."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox import Sandbox
from sandbox.tests.billing import Shop
from sandbox.tests.conftest import NOON

HOUR = 3600
DAY = 86_400
JUNE = NOON + 31 * DAY


@pytest.fixture
def shop(stripe_client: stripe.StripeClient, app: Sandbox) -> Shop:
    return Shop(stripe_client, app)


def debit(shop: Shop, token: str, **given: Any) -> Any:
    """A one-off payment of 20.00 (usd or eur) by the bank account behind a test token."""
    currency = "usd" if "usBank" in token else "eur"
    return shop.client.v1.payment_intents.create(
        {
            "amount": 2000,
            "currency": currency,
            "payment_method": token,
            "confirm": True,
            "mandate_data": {"customer_acceptance": {"type": "offline"}},
            **given,
        }
    )


def bank_says(shop: Shop, method: Any, answer: str) -> None:
    address = f"/sandbox/payment_methods/{method.id}"
    assert shop.app.test_client().post(address, json={"answer": answer}).status_code == 200


@pytest.mark.parametrize(
    ("token", "days"),
    [
        ("pm_usBankAccount_success", 4),
        ("pm_sepaDebit_success_de", 4),
        ("pm_success_de", 4),
        ("pm_sepaDebit_successDelayed_de", 7),
    ],
)
def test_the_money_arrives_after_days(shop: Shop, token: str, days: int) -> None:
    intent = debit(shop, token)
    assert (intent.status, intent.amount_received) == ("processing", 0)
    shop.travel(NOON + days * DAY - 1)
    assert shop.client.v1.payment_intents.retrieve(intent.id).status == "processing"
    shop.travel(NOON + days * DAY)
    arrived = shop.client.v1.payment_intents.retrieve(intent.id)
    assert (arrived.status, arrived.amount_received) == ("succeeded", 2000)
    assert shop.client.v1.charges.retrieve(arrived.latest_charge).paid


@pytest.mark.parametrize(
    ("token", "code", "days"),
    [
        ("pm_usBankAccount_insufficientFunds", "insufficient_funds", 7),
        ("pm_usBankAccount_accountClosed", "account_closed", 7),
        ("pm_usBankAccount_noAccount", "no_account", 7),
        ("pm_usBankAccount_debitNotAuthorized", "debit_not_authorized", 7),
        ("pm_usBankAccount_weeklyLimitExceeded", "charge_exceeds_source_limit", 7),
        ("pm_sepaDebit_insufficientFunds_de", "insufficient_funds", 7),
        ("pm_failed_de", "generic_decline", 7),
        ("pm_sepaDebit_failedDelayed_de", "generic_decline", 10),
    ],
)
def test_a_debit_comes_back_and_says_why(shop: Shop, token: str, code: str, days: int) -> None:
    intent = debit(shop, token)
    shop.travel(NOON + days * DAY - 1)
    assert shop.client.v1.payment_intents.retrieve(intent.id).status == "processing"
    shop.travel(NOON + days * DAY)
    back = shop.client.v1.payment_intents.retrieve(intent.id)
    assert (back.status, back.last_payment_error.decline_code) == ("requires_payment_method", code)
    charge = shop.client.v1.charges.retrieve(back.latest_charge)
    assert (charge.status, charge.paid, charge.failure_code) == ("failed", False, code)
    assert len(shop.events("charge.failed")) == 1
    assert len(shop.events("payment_intent.payment_failed")) == 1


def test_account_numbers_behave_as_their_tokens(shop: Shop) -> None:
    method = shop.client.v1.payment_methods.create(
        {
            "type": "us_bank_account",
            "us_bank_account": {
                "account_number": "000111111113",
                "routing_number": "110000000",
                "account_holder_type": "individual",
            },
            "billing_details": {"name": "Ann Lee"},
        }
    )
    intent = debit(shop, method.id, currency="usd")
    shop.travel(NOON + 7 * DAY)
    back = shop.client.v1.payment_intents.retrieve(intent.id)
    assert back.last_payment_error.code == "account_closed"


def test_a_debit_in_processing_can_be_canceled(shop: Shop) -> None:
    intent = debit(shop, "pm_usBankAccount_processing")
    shop.travel(NOON + 60 * DAY)
    assert shop.client.v1.payment_intents.retrieve(intent.id).status == "processing"
    canceled = shop.client.v1.payment_intents.cancel(intent.id)
    assert canceled.status == "canceled"
    assert shop.client.v1.charges.retrieve(canceled.latest_charge).status == "failed"


def test_a_debit_rests_on_a_mandate(shop: Shop) -> None:
    intent = debit(shop, "pm_sepaDebit_success_de")
    details = shop.client.v1.charges.retrieve(intent.latest_charge).payment_method_details
    mandate = shop.client.v1.mandates.retrieve(details.sepa_debit.mandate)
    assert (mandate.status, mandate.type) == ("active", "multi_use")
    assert mandate.payment_method == intent.payment_method


def subscriber(shop: Shop, token: str) -> tuple[Any, Any, Any]:
    customer = shop.customer(None)
    account = shop.card(customer, token)
    return customer, account, shop.subscribe(customer, shop.price(2900))


def test_a_first_debit_starts_the_subscription_before_the_money_arrives(shop: Shop) -> None:
    _, _, subscription = subscriber(shop, "pm_usBankAccount_success")
    assert subscription.status == "active"
    invoice = shop.latest(subscription)
    assert (invoice.status, invoice.attempted, invoice.attempt_count) == ("open", True, 1)
    with pytest.raises(stripe.InvalidRequestError, match="processing"):
        shop.client.v1.invoices.pay(invoice.id)
    shop.travel(NOON + 4 * DAY)
    assert shop.latest(subscription).status == "paid"
    assert shop.again(subscription).status == "active"


def test_a_first_debit_that_comes_back_makes_the_subscription_past_due(shop: Shop) -> None:
    _, _, subscription = subscriber(shop, "pm_usBankAccount_accountClosed")
    assert subscription.status == "active"
    shop.travel(NOON + 7 * DAY)
    assert shop.again(subscription).status == "past_due"
    assert shop.latest(subscription).status == "open"


def test_a_renewal_returned_after_a_week_is_tried_again_and_recovers(shop: Shop) -> None:
    _, account, subscription = subscriber(shop, "pm_usBankAccount_success")
    shop.travel(NOON + 20 * DAY)
    bank_says(shop, account, "insufficient_funds")
    charged = JUNE + HOUR
    shop.travel(charged + 6 * DAY)
    # Meanwhile nobody knows of it: the subscription is active, its invoice open.
    assert shop.again(subscription).status == "active"
    assert shop.latest(subscription).next_payment_attempt is None
    shop.travel(charged + 7 * DAY)
    assert shop.again(subscription).status == "past_due"
    invoice = shop.latest(subscription)
    assert (invoice.attempt_count, invoice.next_payment_attempt) == (1, charged + 8 * DAY)
    [failed] = shop.events("invoice.payment_failed")
    assert failed.data.object["id"] == invoice.id
    bank_says(shop, account, "succeeds")
    shop.travel(charged + 8 * DAY)
    trying = shop.latest(subscription)
    assert (trying.status, trying.attempt_count) == ("open", 2)
    shop.travel(charged + 12 * DAY)
    assert shop.latest(subscription).status == "paid"
    assert shop.again(subscription).status == "active"


def test_a_debit_without_funds_is_tried_again_twice_at_most(shop: Shop) -> None:
    _, account, subscription = subscriber(shop, "pm_usBankAccount_success")
    shop.travel(NOON + 20 * DAY)
    bank_says(shop, account, "insufficient_funds")
    shop.travel(JUNE + 29 * DAY)
    assert len(shop.events("charge.failed")) == 3
    assert shop.again(subscription).status == "canceled"


@pytest.mark.parametrize("answer", ["account_closed", "debit_not_authorized"])
def test_a_debit_refused_for_good_waits_for_another_payment_method(shop: Shop, answer: str) -> None:
    customer, account, subscription = subscriber(shop, "pm_usBankAccount_success")
    shop.travel(NOON + 20 * DAY)
    bank_says(shop, account, answer)
    returned = JUNE + HOUR + 7 * DAY
    shop.travel(returned + 2 * DAY)
    assert len(shop.events("charge.failed")) == 1
    assert shop.latest(subscription).attempt_count == 2
    shop.card(customer)
    shop.travel(returned + 3 * DAY)
    assert shop.latest(subscription).status == "paid"
    assert shop.again(subscription).status == "active"


def test_a_debit_is_refunded_once_it_arrived_and_days_later(shop: Shop) -> None:
    intent = debit(shop, "pm_usBankAccount_success")
    with pytest.raises(stripe.InvalidRequestError, match="has not been paid"):
        shop.client.v1.refunds.create({"payment_intent": intent.id})
    shop.travel(NOON + 4 * DAY)
    refund = shop.client.v1.refunds.create({"payment_intent": intent.id, "amount": 500})
    assert (refund.status, refund.amount) == ("pending", 500)
    assert refund.destination_details.type == "us_bank_transfer"
    shop.travel(NOON + 9 * DAY)
    assert shop.client.v1.refunds.retrieve(refund.id).status == "succeeded"
    assert shop.events("refund.updated")[-1].data.previous_attributes.status == "pending"

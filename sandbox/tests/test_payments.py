"""Cards, wallets, intents, 3-D Secure, charges and refunds."""

from __future__ import annotations

import json
from typing import Any

import pytest
import stripe

from sandbox import Sandbox
from sandbox.engine import paying
from sandbox.store import store
from sandbox.tests.billing import Shop

CARD = {"exp_month": 12, "exp_year": 2030, "cvc": "123"}


@pytest.fixture
def shop(stripe_client: stripe.StripeClient, app: Sandbox) -> Shop:
    return Shop(stripe_client, app)


def at_the_bank(shop: Shop, kind: str, id: str, *, ok: bool) -> None:
    """The customer answers on the bank's page."""
    with shop.app.app_context(), shop.app.storage.transaction():
        paying.complete_authentication(store.get(kind, id), ok)


def new_card(shop: Shop, number: str, **card: Any) -> Any:
    return shop.client.v1.payment_methods.create(
        {"type": "card", "card": {**CARD, "number": number, **card}}
    )


def test_a_card_shows_its_brand_and_last_digits_and_never_its_number(shop: Shop) -> None:
    card = new_card(shop, "5555 5555 5555 4444")
    assert (card.card.brand, card.card.last4, card.card.funding) == ("mastercard", "4444", "credit")
    assert card.card.checks.cvc_check == "pass"
    assert card.card.wallet is None
    with shop.app.storage.transaction():
        kept = [json.dumps(doc) for kind, _ in store.kinds() for doc in store.all(kind)]
    assert not any("555555555555" in doc for doc in kept)


def test_the_same_number_has_the_same_fingerprint(shop: Shop) -> None:
    first, again = new_card(shop, "4242424242424242"), new_card(shop, "4242424242424242")
    other = new_card(shop, "5555555555554444")
    assert first.id != again.id
    assert first.card.fingerprint == again.card.fingerprint != other.card.fingerprint


@pytest.mark.parametrize(
    ("number", "change", "code"),
    [
        ("4242424242424241", {}, "incorrect_number"),
        ("4111111111111111", {}, "card_declined"),
        ("4242424242424242", {"exp_month": 13}, "invalid_expiry_month"),
        ("4242424242424242", {"exp_year": 2020}, "invalid_expiry_year"),
        ("4242424242424242", {"cvc": "12"}, "invalid_cvc"),
    ],
)
def test_a_card_that_cannot_be_is_refused(
    shop: Shop, number: str, change: dict[str, Any], code: str
) -> None:
    with pytest.raises(stripe.CardError) as refused:
        new_card(shop, number, **change)
    assert refused.value.code == code


DECLINES = [
    ("4000000000000002", "card_declined", "generic_decline"),
    ("4000000000009995", "card_declined", "insufficient_funds"),
    ("4000000000009987", "card_declined", "lost_card"),
    ("4000000000000069", "expired_card", "expired_card"),
    ("4000000000000127", "incorrect_cvc", "incorrect_cvc"),
]


@pytest.mark.parametrize(("number", "code", "decline_code"), DECLINES)
def test_a_declining_card_cannot_be_attached(
    shop: Shop, number: str, code: str, decline_code: str
) -> None:
    card, customer = new_card(shop, number), shop.customer(None)
    with pytest.raises(stripe.CardError) as refused:
        shop.client.v1.payment_methods.attach(card.id, {"customer": customer.id})
    assert refused.value.http_status == 402
    assert refused.value.code == code
    assert refused.value.error.decline_code == decline_code
    assert refused.value.error.advice_code
    assert shop.client.v1.customers.payment_methods.list(customer.id).data == []


@pytest.mark.parametrize(("number", "code", "decline_code"), DECLINES)
def test_a_declined_payment_leaves_its_attempt_behind(
    shop: Shop, number: str, code: str, decline_code: str
) -> None:
    with pytest.raises(stripe.CardError) as refused:
        shop.client.v1.payment_intents.create(
            {
                "amount": 1000,
                "currency": "usd",
                "payment_method": new_card(shop, number).id,
                "confirm": True,
            }
        )
    error = refused.value.error
    assert (error.code, error.decline_code) == (code, decline_code)
    intent = shop.client.v1.payment_intents.retrieve(error.payment_intent.id)
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error.decline_code == decline_code
    charge = shop.client.v1.charges.retrieve(error.charge)
    assert (charge.status, charge.paid, charge.failure_code) == ("failed", False, code)
    assert len(shop.events("payment_intent.payment_failed")) == 1


def test_the_cvc_check_can_fail_on_a_card_that_works(shop: Shop) -> None:
    card = new_card(shop, "4000000000000101")
    assert card.card.checks.cvc_check == "fail"
    assert shop.client.v1.payment_methods.attach(
        card.id, {"customer": shop.customer(None).id}
    ).customer


def test_a_wallet_is_listed_by_customer_and_type(shop: Shop) -> None:
    customer = shop.customer()
    methods = shop.client.v1.payment_methods
    methods.attach("pm_usBankAccount_success", {"customer": customer.id})
    assert len(methods.list({"customer": customer.id}).data) == 2
    only = shop.client.v1.customers.payment_methods.list(customer.id, {"type": "us_bank_account"})
    assert [one.us_bank_account.last4 for one in only.data] == ["6789"]
    assert methods.list().data == []


def test_a_detached_card_is_nobodys_default_and_cannot_come_back(shop: Shop) -> None:
    customer = shop.customer()
    default = customer.invoice_settings.default_payment_method
    subscription = shop.subscribe(customer, shop.price(), default_payment_method=default)
    shop.client.v1.payment_methods.detach(default)
    after = shop.client.v1.customers.retrieve(customer.id)
    assert after.invoice_settings.default_payment_method is None
    assert shop.again(subscription).default_payment_method is None
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        shop.client.v1.payment_methods.attach(default, {"customer": customer.id})


def test_another_customers_card_cannot_be_taken(shop: Shop) -> None:
    theirs = shop.customer().invoice_settings.default_payment_method
    with pytest.raises(stripe.InvalidRequestError, match="already been attached"):
        shop.client.v1.payment_methods.attach(theirs, {"customer": shop.customer(None).id})
    with pytest.raises(stripe.InvalidRequestError, match="must be attached to the customer"):
        shop.subscribe(shop.customer(), shop.price(), default_payment_method=theirs)


def test_a_setup_intent_saves_a_card_after_the_bank_agreed(shop: Shop) -> None:
    customer = shop.customer(None)
    intents = shop.client.v1.setup_intents
    intent = intents.create({"customer": customer.id})
    assert intent.status == "requires_payment_method"
    assert intent.automatic_payment_methods.enabled is True
    assert intent.client_secret.startswith(f"{intent.id}_secret_")
    intent = intents.confirm(
        intent.id,
        {
            "payment_method": "pm_card_authenticationRequiredOnSetup",
            "return_url": "https://shop.example/back",
        },
    )
    assert intent.status == "requires_action"
    assert intent.next_action.redirect_to_url.return_url == "https://shop.example/back"
    assert intent.client_secret in intent.next_action.redirect_to_url.url
    at_the_bank(shop, "setup_intent", intent.id, ok=True)
    done = intents.retrieve(intent.id)
    assert done.status == "succeeded"
    card = shop.client.v1.payment_methods.retrieve(done.payment_method)
    assert card.customer == customer.id
    # Set up once, it is charged without the customer.
    paid = shop.client.v1.payment_intents.create(
        {
            "amount": 500,
            "currency": "usd",
            "customer": customer.id,
            "payment_method": card.id,
            "off_session": True,
            "confirm": True,
        }
    )
    assert paid.status == "succeeded"


def test_a_setup_that_the_bank_refused_says_so(shop: Shop) -> None:
    intents = shop.client.v1.setup_intents
    intent = intents.create(
        {
            "customer": shop.customer(None).id,
            "payment_method": "pm_card_threeDSecure2Required",
            "confirm": True,
        }
    )
    assert intent.next_action.type == "use_stripe_sdk"
    at_the_bank(shop, "setup_intent", intent.id, ok=False)
    failed = intents.retrieve(intent.id)
    assert failed.status == "requires_payment_method"
    assert failed.last_setup_error.code == "setup_intent_authentication_failure"
    with pytest.raises(stripe.CardError) as refused:
        intents.confirm(intent.id, {"payment_method": "pm_card_chargeDeclined"})
    assert refused.value.error.setup_intent.id == intent.id
    canceled = intents.cancel(intent.id)
    assert canceled.status == "canceled"
    with pytest.raises(stripe.InvalidRequestError) as late:
        intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert late.value.code == "setup_intent_unexpected_state"


def test_a_card_that_always_asks_cannot_be_charged_in_absence(shop: Shop) -> None:
    customer = shop.customer("pm_card_authenticationRequired")
    with pytest.raises(stripe.CardError) as refused:
        shop.client.v1.payment_intents.create(
            {
                "amount": 500,
                "currency": "usd",
                "customer": customer.id,
                "payment_method": customer.invoice_settings.default_payment_method,
                "off_session": True,
                "confirm": True,
            }
        )
    assert refused.value.code == "authentication_required"
    assert refused.value.error.decline_code == "authentication_required"


def test_a_payment_goes_through_once_the_bank_agreed(shop: Shop) -> None:
    intents = shop.client.v1.payment_intents
    intent = intents.create(
        {
            "amount": 500,
            "currency": "usd",
            "payment_method": "pm_card_threeDSecure2Required",
            "confirm": True,
            "return_url": "https://shop.example/back",
        }
    )
    assert (intent.status, intent.latest_charge) == ("requires_action", None)
    at_the_bank(shop, "payment_intent", intent.id, ok=True)
    done = intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert (done.status, done.amount_received) == ("succeeded", 500)
    assert done.latest_charge.payment_method_details.card.last4 == "3220"


def test_money_goes_back_in_parts_and_never_more_than_came(shop: Shop) -> None:
    intent = shop.client.v1.payment_intents.create(
        {"amount": 1000, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
    )
    refunds = shop.client.v1.refunds
    assert refunds.create({"payment_intent": intent.id, "amount": 300}).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError, match=r"greater than unrefunded amount"):
        refunds.create({"charge": intent.latest_charge, "amount": 701})
    assert refunds.create({"charge": intent.latest_charge}).amount == 700
    charge = shop.client.v1.charges.retrieve(intent.latest_charge, {"expand": ["refunds"]})
    assert (charge.amount_refunded, charge.refunded) == (1000, True)
    assert [one.amount for one in charge.refunds.data] == [700, 300]
    with pytest.raises(stripe.InvalidRequestError) as again:
        refunds.create({"charge": intent.latest_charge})
    assert again.value.code == "charge_already_refunded"


def test_a_reserved_amount_is_captured_or_let_go(shop: Shop) -> None:
    intents = shop.client.v1.payment_intents
    given = {"amount": 1000, "currency": "usd", "payment_method": "pm_card_visa"}
    held = intents.create({**given, "confirm": True, "capture_method": "manual"})
    assert (held.status, held.amount_capturable) == ("requires_capture", 1000)
    assert intents.capture(held.id, {"amount_to_capture": 600}).amount_received == 600
    other = intents.create({**given, "confirm": True, "capture_method": "manual"})
    assert intents.cancel(other.id).status == "canceled"


def test_a_bank_debit_is_processing_until_it_settles(shop: Shop, clock: Any) -> None:
    customer = shop.customer(None)
    shop.card(customer, "pm_usBankAccount_success")
    subscription = shop.subscribe(customer, shop.price())
    assert subscription.status == "active"
    invoice = shop.latest(subscription)
    assert invoice.status == "open"
    shop.travel(clock.now() + 5 * 86_400)
    assert shop.latest(subscription).status == "paid"
    assert shop.events("payment_intent.processing")


def test_a_wrong_client_secret_is_refused(shop: Shop) -> None:
    intent = shop.client.v1.setup_intents.create({"customer": shop.customer(None).id})
    with pytest.raises(stripe.InvalidRequestError, match="client_secret"):
        shop.client.v1.setup_intents.retrieve(intent.id, {"client_secret": "seti_other_secret_x"})

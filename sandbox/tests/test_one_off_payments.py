"""Payment intents as a one-off purchase needs them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
import stripe

from sandbox import Sandbox
from sandbox.engine import paying
from sandbox.store import store
from sandbox.tests.billing import Shop


@pytest.fixture
def shop(stripe_client: stripe.StripeClient, app: Sandbox) -> Shop:
    return Shop(stripe_client, app)


def purchase(shop: Shop, **given: Any) -> Any:
    return shop.client.v1.payment_intents.create(
        {
            "amount": 4900,
            "currency": "usd",
            "description": "Credit pack",
            "metadata": {"pack": "500"},
            "receipt_email": "ann@example.com",
            "automatic_payment_methods": {"enabled": True},
            **given,
        }
    )


def test_a_purchase_is_made_changed_confirmed_and_receipted(shop: Shop) -> None:
    customer = shop.customer()
    intent = purchase(shop, customer=customer.id)
    assert (intent.status, intent.amount_received) == ("requires_payment_method", 0)
    intents = shop.client.v1.payment_intents
    assert intents.update(intent.id, {"amount": 9800}).amount == 9800
    done = intents.confirm(
        intent.id,
        {"payment_method": customer.invoice_settings.default_payment_method},
    )
    assert (done.status, done.amount_received) == ("succeeded", 9800)
    charge = shop.client.v1.charges.retrieve(done.latest_charge)
    assert (charge.receipt_email, charge.metadata["pack"]) == ("ann@example.com", "500")
    page = shop.app.test_client().get(urlsplit(charge.receipt_url).path).text
    assert "Receipt for $98.00" in page
    assert "Credit pack" in page
    with pytest.raises(stripe.InvalidRequestError) as late:
        intents.update(intent.id, {"amount": 100})
    assert late.value.code == "payment_intent_unexpected_state"
    with pytest.raises(stripe.InvalidRequestError):
        intents.confirm(intent.id)
    for type in ("payment_intent.created", "charge.succeeded", "payment_intent.succeeded"):
        assert len(shop.events(type)) == 1


def test_a_saved_card_pays_in_the_customers_absence(shop: Shop) -> None:
    customer = shop.customer()
    card = customer.invoice_settings.default_payment_method
    given = {"customer": customer.id, "payment_method": card, "confirm": True, "off_session": True}
    assert purchase(shop, **given).status == "succeeded"
    assert shop.client.v1.payment_methods.list({"customer": customer.id}).data[0].id == card


def test_a_new_card_is_kept_when_asked_for(shop: Shop) -> None:
    customer = shop.customer(None)
    given = {"customer": customer.id, "payment_method": "pm_card_visa", "confirm": True}
    purchase(shop, **given)
    wallet = shop.client.v1.payment_methods
    assert wallet.list({"customer": customer.id}).data == []
    purchase(shop, setup_future_usage="off_session", **given)
    assert len(wallet.list({"customer": customer.id}).data) == 1


@pytest.mark.parametrize("agrees", [True, False])
def test_three_d_secure_ends_in_a_payment_or_in_none(shop: Shop, agrees: bool) -> None:
    intent = purchase(
        shop,
        payment_method="pm_card_threeDSecure2Required",
        confirm=True,
        return_url="https://shop.example/back",
    )
    assert intent.status == "requires_action"
    assert intent.next_action.redirect_to_url.return_url == "https://shop.example/back"
    with shop.app.app_context(), shop.app.storage.transaction():
        paying.complete_authentication(store.get("payment_intent", intent.id), agrees)
    after = shop.client.v1.payment_intents.retrieve(intent.id)
    assert after.status == ("succeeded" if agrees else "requires_payment_method")
    assert after.amount_received == (4900 if agrees else 0)
    assert len(shop.events("payment_intent.requires_action")) == 1


def test_another_amount_asks_the_bank_anew(shop: Shop) -> None:
    intents = shop.client.v1.payment_intents
    intent = purchase(shop, payment_method="pm_card_threeDSecure2Required", confirm=True)
    changed = intents.update(intent.id, {"amount": 5900})
    assert (changed.status, changed.next_action) == ("requires_confirmation", None)
    assert intents.confirm(intent.id).status == "requires_action"


def test_a_decline_can_be_paid_with_another_card(shop: Shop) -> None:
    intent = purchase(shop)
    intents = shop.client.v1.payment_intents
    with pytest.raises(stripe.CardError) as refused:
        intents.confirm(
            intent.id, {"payment_method": "pm_card_visa_chargeDeclinedInsufficientFunds"}
        )
    assert refused.value.error.decline_code == "insufficient_funds"
    assert intents.retrieve(intent.id).status == "requires_payment_method"
    assert intents.confirm(intent.id, {"payment_method": "pm_card_visa"}).status == "succeeded"
    charges = shop.client.v1.charges.list({"payment_intent": intent.id}).data
    assert [one.status for one in charges] == ["succeeded", "failed"]


@pytest.mark.parametrize(
    "reason", ["abandoned", "duplicate", "fraudulent", "requested_by_customer"]
)
def test_a_purchase_is_canceled_for_a_reason_and_for_good(shop: Shop, reason: Any) -> None:
    intents = shop.client.v1.payment_intents
    intent = purchase(shop)
    canceled = intents.cancel(intent.id, {"cancellation_reason": reason})
    assert (canceled.status, canceled.cancellation_reason) == ("canceled", reason)
    assert len(shop.events("payment_intent.canceled")) == 1
    with pytest.raises(stripe.InvalidRequestError):
        intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    with pytest.raises(stripe.InvalidRequestError):
        intents.cancel(intent.id)


@pytest.mark.parametrize(
    ("amount", "code"),
    [(0, "parameter_invalid_integer"), (49, "amount_too_small"), (100_000_000, "amount_too_large")],
)
def test_an_amount_that_cannot_be_charged_is_refused(shop: Shop, amount: int, code: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        purchase(shop, amount=amount)
    assert (refused.value.code, refused.value.param) == (code, "amount")


def test_the_payment_of_an_invoice_keeps_its_amount(shop: Shop) -> None:
    subscription = shop.subscribe(
        shop.customer(), shop.price(2900), payment_behavior="default_incomplete"
    )
    [payment] = shop.client.v1.invoice_payments.list({"invoice": subscription.latest_invoice}).data
    with pytest.raises(stripe.InvalidRequestError, match="pays an invoice"):
        shop.client.v1.payment_intents.update(payment.payment.payment_intent, {"amount": 100})


def test_the_same_key_buys_once(shop: Shop) -> None:
    params = {
        "amount": 4900,
        "currency": "usd",
        "payment_method": "pm_card_visa",
        "confirm": True,
    }
    create = shop.client.v1.payment_intents.create
    first = create(params, {"idempotency_key": "pack-7"})
    assert create(params, {"idempotency_key": "pack-7"}).id == first.id
    assert len(shop.events("charge.succeeded")) == 1

"""Refunds: how much, of what, and what becomes of them."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox import Sandbox
from sandbox.tests.billing import Shop
from sandbox.tests.conftest import NOON

DAY = 86_400


@pytest.fixture
def shop(stripe_client: stripe.StripeClient, app: Sandbox) -> Shop:
    return Shop(stripe_client, app)


def paid(shop: Shop, card: str = "pm_card_visa", amount: int = 2000) -> Any:
    return shop.client.v1.payment_intents.create(
        {"amount": amount, "currency": "usd", "payment_method": card, "confirm": True}
    )


def charge(shop: Shop, intent: Any) -> Any:
    return shop.client.v1.charges.retrieve(intent.latest_charge, {"expand": ["refunds"]})


def test_part_then_the_rest_then_nothing_more(shop: Shop) -> None:
    intent, refunds = paid(shop), shop.client.v1.refunds
    part = refunds.create(
        {
            "payment_intent": intent.id,
            "amount": 500,
            "reason": "requested_by_customer",
            "metadata": {"case": "7"},
        }
    )
    assert (part.status, part.reason, part.metadata["case"]) == (
        "succeeded",
        "requested_by_customer",
        "7",
    )
    assert (charge(shop, intent).amount_refunded, charge(shop, intent).refunded) == (500, False)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        refunds.create({"charge": intent.latest_charge, "amount": 1501})
    assert str(refused.value.user_message) == (
        "Refund amount ($15.01) is greater than unrefunded amount on charge ($15.00)"
    )
    assert refunds.create({"charge": intent.latest_charge}).amount == 1500
    whole = charge(shop, intent)
    assert (whole.amount_refunded, whole.refunded) == (2000, True)
    assert [one.amount for one in whole.refunds.data] == [1500, 500]
    with pytest.raises(stripe.InvalidRequestError) as again:
        refunds.create({"charge": intent.latest_charge})
    assert again.value.code == "charge_already_refunded"
    assert len(shop.events("refund.created")) == len(shop.events("charge.refunded")) == 2


def test_what_cannot_be_refunded_is_refused(shop: Shop) -> None:
    refunds = shop.client.v1.refunds
    with pytest.raises(stripe.InvalidRequestError, match="One of the following params"):
        refunds.create({"amount": 100})
    open_intent = shop.client.v1.payment_intents.create({"amount": 500, "currency": "usd"})
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        refunds.create({"payment_intent": open_intent.id})
    held = shop.client.v1.payment_intents.create(
        {
            "amount": 500,
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "capture_method": "manual",
        }
    )
    with pytest.raises(stripe.InvalidRequestError, match="has not been paid"):
        refunds.create({"payment_intent": held.id})
    with pytest.raises(stripe.InvalidRequestError, match="Invalid positive integer"):
        refunds.create({"payment_intent": paid(shop).id, "amount": 0})


def test_a_pending_refund_arrives_after_a_day(shop: Shop) -> None:
    intent = paid(shop, "pm_card_pendingRefund")
    refund = shop.client.v1.refunds.create({"payment_intent": intent.id})
    assert (refund.status, refund.pending_reason) == ("pending", "processing")
    shop.travel(NOON + DAY)
    assert shop.client.v1.refunds.retrieve(refund.id).status == "succeeded"
    for type in ("refund.updated", "charge.refund.updated"):
        [event] = shop.events(type)
        assert event.data.previous_attributes.status == "pending"


def test_a_refund_that_fails_gives_the_charge_its_money_again(shop: Shop) -> None:
    intent = paid(shop, "pm_card_refundFail")
    refund = shop.client.v1.refunds.create({"payment_intent": intent.id, "amount": 800})
    assert (refund.status, charge(shop, intent).amount_refunded) == ("succeeded", 800)
    shop.travel(NOON + DAY)
    failed = shop.client.v1.refunds.retrieve(refund.id)
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    assert (charge(shop, intent).amount_refunded, charge(shop, intent).refunded) == (0, False)
    [event] = shop.events("refund.failed")
    assert event.data.object["id"] == refund.id
    assert shop.client.v1.refunds.create({"payment_intent": intent.id}).amount == 2000


def test_a_pending_refund_can_be_taken_back_for_half_an_hour(shop: Shop, clock: Any) -> None:
    intent = paid(shop, "pm_card_pendingRefund")
    refunds = shop.client.v1.refunds
    taken_back = refunds.cancel(refunds.create({"payment_intent": intent.id}).id)
    assert taken_back.status == "canceled"
    assert charge(shop, intent).amount_refunded == 0
    late = refunds.create({"payment_intent": intent.id})
    clock.advance(1800)
    with pytest.raises(stripe.InvalidRequestError, match="cannot be canceled"):
        refunds.cancel(late.id)
    done = refunds.create({"payment_intent": paid(shop).id})
    with pytest.raises(stripe.InvalidRequestError, match="its status is succeeded"):
        refunds.cancel(done.id)


def test_refunds_are_found_by_charge_payment_and_time(shop: Shop, clock: Any) -> None:
    first, second = paid(shop), paid(shop)
    refunds = shop.client.v1.refunds
    one = refunds.create({"payment_intent": first.id, "amount": 100})
    clock.advance(DAY)
    two = refunds.create({"payment_intent": second.id, "amount": 100})
    assert [r.id for r in refunds.list({"charge": first.latest_charge}).data] == [one.id]
    assert [r.id for r in refunds.list({"payment_intent": second.id}).data] == [two.id]
    assert [r.id for r in refunds.list({"created": {"gt": NOON}}).data] == [two.id]


def test_only_a_refunds_metadata_can_change(shop: Shop) -> None:
    refund = shop.client.v1.refunds.create({"payment_intent": paid(shop).id})
    changed = shop.client.v1.refunds.update(refund.id, {"metadata": {"ticket": "9"}})
    assert changed.metadata["ticket"] == "9"
    assert len(shop.events("refund.updated")) == 1
    with pytest.raises(stripe.InvalidRequestError, match="unknown"):
        shop.client.v1.refunds.update(refund.id, {"amount": 5})  # type: ignore[typeddict-unknown-key]

"""What follows a failed renewal, under each setting of the failure policy."""

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
JULY = JUNE + 30 * DAY
TRIED = JUNE + HOUR


@pytest.fixture
def shop(stripe_client: stripe.StripeClient, app: Sandbox) -> Shop:
    return Shop(stripe_client, app)


def rules(shop: Shop, **given: Any) -> dict[str, Any]:
    answer = shop.app.test_client().post("/sandbox/policy", json=given)
    assert answer.status_code == 200, answer.text
    return answer.json


def bank_says(shop: Shop, method: Any, answer: str) -> None:
    address = f"/sandbox/payment_methods/{method.id}"
    assert shop.app.test_client().post(address, json={"answer": answer}).status_code == 200


def declined(shop: Shop, answer: str = "generic_decline") -> tuple[Any, Any, Any]:
    """A customer, their card and their subscription, whose renewal of June was just declined."""
    customer = shop.customer(None)
    card = shop.card(customer)
    subscription = shop.subscribe(customer, shop.price(2900))
    bank_says(shop, card, answer)
    shop.travel(TRIED)
    assert shop.again(subscription).status == "past_due"
    return customer, card, subscription


def test_the_policy_is_smart_retries_and_cancellation_until_it_is_changed(shop: Shop) -> None:
    client = shop.app.test_client()
    assert client.get("/sandbox/policy").json == {
        "retries": "smart",
        "days": [3, 5, 7],
        "subscription": "cancel",
        "invoice": "open",
    }
    changed = rules(shop, subscription="unpaid", invoice="uncollectible")
    assert changed["subscription"] == "unpaid"
    assert client.get("/sandbox/policy").json == changed


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"retries": "often"}, "`retries` must be one of smart, custom, off."),
        ({"days": []}, "`days` must be a list of 1 to 8 whole numbers."),
        ({"days": [1, "2"]}, "`days` must be a list of 1 to 8 whole numbers."),
        ({"days": [31]}, "Each of `days` must be 1 to 30."),
        ({"grace": 3}, "There is no `grace` in the policy."),
    ],
)
def test_a_policy_that_cannot_be_is_refused(shop: Shop, given: Any, message: str) -> None:
    client = shop.app.test_client()
    before = client.get("/sandbox/policy").json
    answer = client.post("/sandbox/policy", json=given)
    assert (answer.status_code, answer.json["error"]) == (400, message)
    assert client.get("/sandbox/policy").json == before


def test_the_policy_is_chosen_on_the_front_page(shop: Shop) -> None:
    client = shop.app.test_client()
    form = {"retries": "custom", "days": "2, 4", "subscription": "past_due", "invoice": "open"}
    assert client.post("/policy", data=form).status_code == 403
    here = {"Sec-Fetch-Site": "same-origin"}
    assert client.post("/policy", data=form, headers=here).status_code == 303
    assert client.get("/sandbox/policy").json["days"] == [2, 4]
    page = client.get("/").text
    assert '<option value="past_due" selected>' in page
    assert 'value="2, 4"' in page


def test_a_card_is_made_to_fail_and_to_pay_again_on_the_front_page(shop: Shop) -> None:
    customer = shop.customer(None, name="Ann Lee")
    card = shop.card(customer)
    client, here = shop.app.test_client(), {"Sec-Fetch-Site": "same-origin"}
    assert "Ann Lee" in client.get("/").text
    form = {"payment_method": card.id, "answer": "insufficient_funds"}
    assert client.post("/bank-answers", data=form).status_code == 403
    assert client.post("/bank-answers", data=form, headers=here).status_code == 303
    purchase = {"amount": 500, "currency": "usd", "customer": customer.id, "confirm": True}
    purchase |= {"payment_method": card.id, "off_session": True}
    with pytest.raises(stripe.CardError) as refused:
        shop.client.v1.payment_intents.create(purchase)
    assert refused.value.error.decline_code == "insufficient_funds"
    bank_says(shop, card, "as_made")
    assert shop.client.v1.payment_intents.create(purchase).status == "succeeded"
    assert client.post(f"/sandbox/payment_methods/{card.id}", json={"answer": "x"}).status_code == (
        400
    )


def test_the_attempt_after_a_failure_is_told_with_the_failure(shop: Shop) -> None:
    _, _, subscription = declined(shop)
    invoice = shop.latest(subscription)
    assert (invoice.attempted, invoice.attempt_count) == (True, 1)
    assert invoice.next_payment_attempt == TRIED + DAY
    [failed] = shop.events("invoice.payment_failed")
    assert failed.data.object["next_payment_attempt"] == TRIED + DAY
    assert shop.events("charge.failed")[0].data.object["failure_code"] == "card_declined"
    assert len(shop.events("payment_intent.payment_failed")) == 1
    fallen = shop.events("customer.subscription.updated")[-1].data
    assert fallen.previous_attributes.to_dict() == {"status": "active"}


def test_smart_retries_are_eight_tries_in_two_weeks(shop: Shop) -> None:
    _, _, subscription = declined(shop)
    seen = []
    while (invoice := shop.latest(subscription)).next_payment_attempt:
        seen.append((invoice.next_payment_attempt - TRIED) // DAY)
        shop.travel(invoice.next_payment_attempt)
    assert seen == [1, 3, 5, 7, 9, 11, 14]
    assert (invoice.attempt_count, invoice.status) == (8, "open")
    assert len(shop.events("invoice.payment_failed")) == 8
    ended = shop.again(subscription)
    assert (ended.status, ended.ended_at) == ("canceled", TRIED + 14 * DAY)
    assert ended.cancellation_details.reason == "payment_failed"


def test_a_schedule_of_ones_own_counts_from_the_try_before(shop: Shop) -> None:
    rules(shop, retries="custom", days=[2, 4])
    _, _, subscription = declined(shop)
    assert shop.latest(subscription).next_payment_attempt == TRIED + 2 * DAY
    shop.travel(TRIED + 2 * DAY)
    assert shop.latest(subscription).next_payment_attempt == TRIED + 6 * DAY
    shop.travel(TRIED + 6 * DAY)
    assert shop.latest(subscription).attempt_count == 3
    assert shop.again(subscription).status == "canceled"


def test_without_retries_the_first_failure_is_the_end(shop: Shop) -> None:
    rules(shop, retries="off", subscription="unpaid")
    customer = shop.customer("pm_card_chargeCustomerFail")
    subscription = shop.subscribe(customer, shop.price(), trial_period_days=10)
    shop.travel(NOON + 10 * DAY + HOUR)
    assert shop.again(subscription).status == "unpaid"
    assert shop.latest(subscription).next_payment_attempt is None
    changes = [
        event.data.previous_attributes.to_dict().get("status")
        for event in shop.events("customer.subscription.updated")
    ]
    assert [one for one in changes if one] == ["trialing", "active", "past_due"]


def test_an_unpaid_subscription_makes_drafts_and_recovers_by_the_latest(shop: Shop) -> None:
    rules(shop, subscription="unpaid")
    customer, _, subscription = declined(shop)
    june = shop.latest(subscription)
    shop.travel(TRIED + 14 * DAY)
    assert shop.again(subscription).status == "unpaid"
    last = shop.events("customer.subscription.updated")[-1].data
    assert last.previous_attributes.to_dict() == {"status": "past_due"}
    assert shop.events("customer.subscription.deleted") == []
    shop.travel(JULY + 2 * DAY)
    july = shop.latest(subscription)
    assert (july.status, july.auto_advance) == ("draft", False)
    assert (july.automatically_finalizes_at, july.next_payment_attempt) == (None, None)
    # A new card alone charges nothing, and the older invoice alone does not bring it back.
    shop.card(customer)
    shop.travel(JULY + 3 * DAY)
    assert shop.latest(subscription).status == "draft"
    shop.client.v1.invoices.pay(june.id)
    assert shop.again(subscription).status == "unpaid"
    paid = shop.client.v1.invoices.pay(july.id)
    assert (paid.status, paid.amount_paid) == ("paid", 2900)
    assert shop.again(subscription).status == "active"


def test_a_subscription_left_past_due_goes_on_billing(shop: Shop) -> None:
    rules(shop, subscription="past_due", invoice="uncollectible")
    _, card, subscription = declined(shop)
    shop.travel(TRIED + 14 * DAY)
    given_up = shop.latest(subscription)
    assert given_up.status == "uncollectible"
    assert given_up.status_details.uncollectible.reason == "max_payment_attempts"
    assert len(shop.events("invoice.marked_uncollectible")) == 1
    assert shop.again(subscription).status == "past_due"
    bank_says(shop, card, "succeeds")
    shop.travel(JULY + HOUR)
    assert shop.latest(subscription).status == "paid"
    # The latest invoice decides; June's may stay as it is.
    assert shop.again(subscription).status == "active"


def test_the_invoice_of_a_canceled_subscription_can_be_given_up_too(shop: Shop) -> None:
    rules(shop, retries="custom", days=[1], invoice="uncollectible")
    _, _, subscription = declined(shop)
    shop.travel(TRIED + DAY)
    assert shop.again(subscription).status == "canceled"
    assert shop.latest(subscription).status == "uncollectible"
    shop.travel(JULY + DAY)
    assert len(shop.invoices(subscription)) == 2


@pytest.mark.parametrize("answer", ["lost_card", "stolen_card"])
def test_after_a_hard_decline_only_a_new_card_is_charged(shop: Shop, answer: str) -> None:
    customer, _, subscription = declined(shop, answer)
    invoice = shop.latest(subscription)
    assert invoice.next_payment_attempt == TRIED + DAY
    shop.travel(TRIED + 3 * DAY)
    waiting = shop.latest(subscription)
    # The attempts are counted and go on being planned; no bank was asked.
    assert (waiting.attempt_count, waiting.next_payment_attempt) == (3, TRIED + 5 * DAY)
    assert len(shop.events("charge.failed")) == len(shop.events("invoice.payment_failed")) == 1
    shop.card(customer)
    assert shop.latest(subscription).status == "open"
    shop.travel(TRIED + 5 * DAY)
    assert shop.latest(subscription).status == "paid"
    assert shop.again(subscription).status == "active"


def test_a_hard_declined_card_ends_its_subscription_all_the_same(shop: Shop) -> None:
    _, _, subscription = declined(shop, "lost_card")
    shop.travel(TRIED + 14 * DAY)
    assert shop.again(subscription).status == "canceled"
    assert shop.latest(subscription).attempt_count == 8
    assert len(shop.events("charge.failed")) == 1


def test_an_attempt_by_hand_leaves_the_schedule_alone(shop: Shop) -> None:
    _, _, subscription = declined(shop)
    shop.travel(TRIED + DAY + HOUR)
    before = shop.latest(subscription)
    with pytest.raises(stripe.CardError):
        shop.client.v1.invoices.pay(before.id)
    after = shop.latest(subscription)
    assert (after.attempt_count, after.next_payment_attempt) == (2, TRIED + 3 * DAY)
    assert (before.attempt_count, before.next_payment_attempt) == (2, TRIED + 3 * DAY)


def test_paying_by_hand_with_any_card_recovers_the_subscription(shop: Shop) -> None:
    customer, _, subscription = declined(shop)
    other = shop.client.v1.payment_methods.attach("pm_card_mastercard", {"customer": customer.id})
    invoice = shop.latest(subscription)
    paid = shop.client.v1.invoices.pay(invoice.id, {"payment_method": other.id})
    assert (paid.status, paid.next_payment_attempt) == ("paid", None)
    assert shop.again(subscription).status == "active"
    shop.travel(TRIED + 14 * DAY)
    assert len(shop.events("charge.succeeded")) == 2  # the start in May and this one


def test_forgiving_the_latest_invoice_by_hand_recovers_the_subscription(shop: Shop) -> None:
    _, _, subscription = declined(shop)
    shop.client.v1.invoices.mark_uncollectible(shop.latest(subscription).id)
    assert shop.again(subscription).status == "active"


def test_a_failed_upgrade_is_retried_as_a_renewal_is(shop: Shop, clock: Any) -> None:
    customer = shop.customer(None)
    card = shop.card(customer)
    subscription = shop.subscribe(customer, shop.price(2900))
    clock.set(NOON + 5 * DAY)
    bank_says(shop, card, "insufficient_funds")
    shop.change(
        subscription, shop.price(9900, name="Business"), proration_behavior="always_invoice"
    )
    invoice = shop.latest(subscription)
    assert invoice.next_payment_attempt == NOON + 6 * DAY
    bank_says(shop, card, "succeeds")
    shop.travel(NOON + 6 * DAY)
    assert shop.latest(subscription).status == "paid"
    assert shop.again(subscription).status == "active"


def test_a_renewal_that_the_bank_must_confirm_is_not_charged_again_by_itself(shop: Shop) -> None:
    customer, _, subscription = declined(shop, "authentication_required")
    [asked] = shop.events("invoice.payment_action_required")
    assert asked.data.object["id"] == shop.latest(subscription).id
    shop.travel(TRIED + 3 * DAY)
    assert len(shop.events("payment_intent.requires_action")) == 1
    assert shop.latest(subscription).attempt_count == 3
    shop.card(customer, "pm_card_mastercard")
    shop.travel(TRIED + 5 * DAY)
    assert shop.again(subscription).status == "active"

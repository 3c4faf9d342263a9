"""Pausing a subscription, and resuming it: what is billed, paid, waited for and told."""

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
PAID = {"payment_behavior": "resume_on_payment_success"}


@pytest.fixture
def shop(stripe_client: stripe.StripeClient, app: Sandbox) -> Shop:
    return Shop(stripe_client, app)


def paused(shop: Shop, after: int = 10, card: str = "pm_card_visa", **given: Any) -> Any:
    """A subscription for 31.00 a month, begun on 1 May and paused `after` days later.

    Of May's 31 days the customer paid 1.00 each.
    """
    subscription = shop.subscribe(shop.customer(), shop.price(3100))
    shop.travel(NOON + after * DAY)
    shop.card(shop.client.v1.customers.retrieve(subscription.customer), card)
    return shop.client.v1.subscriptions.pause(subscription.id, given)


def pending(shop: Shop, subscription: Any) -> list[int]:
    found = shop.client.v1.invoice_items.list({"customer": subscription.customer, "pending": True})
    return [entry.amount for entry in found.data]


def test_a_pause_stops_the_period_and_keeps_the_unused_days_as_credit(shop: Shop) -> None:
    subscription = paused(shop)
    assert subscription.status == "paused"
    details = subscription.status_details.paused
    assert (details.type, details.subscription.type) == ("subscription", "pause_requested")
    assert details.transitioned_at == NOON + 10 * DAY
    assert subscription["items"].data[0].current_period_end == NOON + 10 * DAY
    assert pending(shop, subscription) == [-2100]  # 21 of 31 days
    [event] = shop.events("customer.subscription.paused")
    assert event.data.object["status"] == "paused"
    told = shop.events("customer.subscription.updated")[-1].data.previous_attributes
    assert told.status == "active"
    shop.travel(JUNE + 40 * DAY)
    assert len(shop.invoices(subscription)) == 1


@pytest.mark.parametrize(
    ("unused", "credit"), [("now", [-2100]), ("item_current_period_start", [-3100]), ("none", [])]
)
def test_what_a_pause_credits_is_chosen(shop: Shop, unused: str, credit: list[int]) -> None:
    subscription = paused(shop, bill_for={"unused_time_from": {"type": unused}})
    assert pending(shop, subscription) == credit


def test_a_pause_can_bill_its_credit_at_once(shop: Shop) -> None:
    subscription = paused(shop, invoicing_behavior="invoice")
    invoice = shop.latest(subscription)
    assert (invoice.status, invoice.total) == ("paid", -2100)
    assert shop.client.v1.customers.retrieve(subscription.customer).balance == -2100


def test_a_pause_is_previewed_where_it_makes_an_invoice(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer(), shop.price(3100))
    shop.travel(NOON + 10 * DAY)
    preview = shop.client.v1.invoices.create_preview
    shown = preview(
        {
            "subscription": subscription.id,
            "subscription_details": {"pause": {"invoicing_behavior": "invoice"}},
        }
    )
    assert shown.total == -2100
    with pytest.raises(stripe.InvalidRequestError) as none:
        preview(
            {
                "subscription": subscription.id,
                "subscription_details": {"pause": {"invoicing_behavior": "pending_invoice_item"}},
            }
        )
    assert none.value.code == "invoice_upcoming_none"
    after = shop.again(subscription)
    assert (after.status, after["items"].data[0].current_period_end) == ("active", JUNE)


def test_what_cannot_pause_says_why(shop: Shop) -> None:
    pause = shop.client.v1.subscriptions.pause
    trial = shop.subscribe(shop.customer(), shop.price(), trial_period_days=7)
    with pytest.raises(stripe.InvalidRequestError, match="its status is `trialing`"):
        pause(trial.id)
    billed = shop.subscribe(
        shop.customer(), shop.price(), collection_method="send_invoice", days_until_due=30
    )
    with pytest.raises(stripe.InvalidRequestError, match="send_invoice"):
        pause(billed.id)
    classic = shop.subscribe(shop.customer(), shop.price(), billing_mode={"type": "classic"})
    with pytest.raises(stripe.InvalidRequestError, match="flexible"):
        pause(classic.id)
    planned = shop.subscribe(shop.customer(), shop.price())
    shop.client.v1.subscription_schedules.create({"from_subscription": planned.id})
    with pytest.raises(stripe.InvalidRequestError, match="schedule"):
        pause(planned.id)
    with pytest.raises(stripe.InvalidRequestError, match="not paused"):
        shop.client.v1.subscriptions.resume(planned.id)


def test_resuming_starts_a_new_cycle_less_the_credit(shop: Shop) -> None:
    subscription = paused(shop)
    at = NOON + 100 * DAY
    shop.travel(at)
    shown = shop.client.v1.invoices.create_preview(
        {"subscription": subscription.id, "subscription_details": {"resume_at": "now"}}
    )
    resumed = shop.client.v1.subscriptions.resume(subscription.id, PAID)
    assert (resumed.status, resumed.status_details) == ("active", None)
    assert (resumed.billing_cycle_anchor, resumed.pending_update) == (at, None)
    invoice = shop.latest(subscription)
    assert amounts(invoice) == amounts(shown) == [-2100, 3100]
    assert (invoice.status, invoice.amount_paid) == ("paid", 1000)
    assert len(shop.events("customer.subscription.resumed")) == 1
    told = shop.events("customer.subscription.updated")[-1].data.previous_attributes.to_dict()
    assert told["status"] == "paused"


def test_by_default_a_resumption_waits_for_somebody_to_pay(shop: Shop) -> None:
    subscription = paused(shop)
    waiting = shop.client.v1.subscriptions.resume(subscription.id)
    assert waiting.status == "paused"
    assert waiting.pending_update.expires_at == NOON + 10 * DAY + 23 * HOUR
    invoice = shop.latest(subscription)
    assert (invoice.status, invoice.attempted, invoice.amount_due) == ("open", False, 1000)
    shop.client.v1.invoices.pay(invoice.id)
    assert shop.again(subscription).status == "active"
    assert len(shop.events("customer.subscription.resumed")) == 1


def test_a_resumption_nobody_pays_is_forgotten_and_its_credit_kept(shop: Shop) -> None:
    subscription = paused(shop)
    shop.client.v1.subscriptions.resume(subscription.id)
    invoice = shop.latest(subscription)
    assert pending(shop, subscription) == []
    shop.travel(NOON + 10 * DAY + 23 * HOUR)
    after = shop.again(subscription)
    assert (after.status, after.pending_update) == ("paused", None)
    assert shop.client.v1.invoices.retrieve(invoice.id).status == "void"
    assert pending(shop, subscription) == [-2100]
    assert shop.events("customer.subscription.resumed") == []


def test_a_default_resumption_that_is_declined_is_past_due_and_not_retried(shop: Shop) -> None:
    subscription = paused(shop, card="pm_card_chargeCustomerFail")
    shop.client.v1.subscriptions.resume(subscription.id)
    with pytest.raises(stripe.CardError):
        shop.client.v1.invoices.pay(shop.latest(subscription).id)
    assert shop.again(subscription).status == "past_due"
    assert shop.latest(subscription).next_payment_attempt is None
    shop.travel(NOON + 20 * DAY)
    assert len(shop.events("charge.failed")) == 1
    assert shop.latest(subscription).status == "open"


def test_a_paid_resumption_that_is_declined_stays_paused_and_is_retried(shop: Shop) -> None:
    subscription = paused(shop, card="pm_card_chargeCustomerFail")
    resumed = shop.client.v1.subscriptions.resume(subscription.id, PAID)
    assert resumed.status == "paused"
    invoice = shop.latest(subscription)
    assert (invoice.status, invoice.next_payment_attempt) == ("open", NOON + 11 * DAY)
    shop.card(shop.client.v1.customers.retrieve(subscription.customer))
    shop.travel(NOON + 11 * DAY)
    assert shop.again(subscription).status == "active"
    assert shop.latest(subscription).amount_paid == 1000


def test_a_resumption_that_the_bank_must_confirm_is_finished_by_the_customer(shop: Shop) -> None:
    subscription = paused(shop, card="pm_card_authenticationRequired")
    resumed = shop.client.v1.subscriptions.resume(
        subscription.id, PAID | {"expand": ["latest_invoice.payments"]}
    )
    assert resumed.status == "paused"
    assert len(shop.events("invoice.payment_action_required")) == 1
    intent = resumed.latest_invoice.payments.data[0].payment.payment_intent
    with shop.app.app_context(), shop.app.storage.transaction():
        paying.complete_authentication(store.get("payment_intent", intent), True)
    assert shop.again(subscription).status == "active"


def test_a_paid_resumption_needs_a_payment_method(shop: Shop) -> None:
    customer = shop.customer(None)
    subscription = shop.subscribe(
        customer,
        shop.price(),
        trial_period_days=7,
        trial_settings={"end_behavior": {"missing_payment_method": "pause"}},
    )
    shop.travel(NOON + 8 * DAY)
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source"):
        shop.client.v1.subscriptions.resume(subscription.id, PAID)
    assert shop.again(subscription).pending_update is None


@pytest.mark.parametrize(
    ("close", "status"), [("void_invoice", "paused"), ("mark_uncollectible", "active")]
)
def test_a_resumptions_invoice_can_be_voided_or_forgiven(
    shop: Shop, close: str, status: str
) -> None:
    subscription = paused(shop)
    shop.client.v1.subscriptions.resume(subscription.id)
    getattr(shop.client.v1.invoices, close)(shop.latest(subscription).id)
    after = shop.again(subscription)
    assert (after.status, after.pending_update) == (status, None)


@pytest.mark.parametrize(
    ("behavior", "waiting", "billed"),
    [
        ("create_prorations", [-2100, 1100], None),
        ("always_invoice", [], -1000),
        ("none", [-2100], None),
    ],
)
def test_resuming_into_the_old_cycle_bills_the_days_that_are_left(
    shop: Shop, behavior: str, waiting: list[int], billed: int | None
) -> None:
    subscription = paused(shop)
    shop.travel(NOON + 20 * DAY)
    resumed = shop.client.v1.subscriptions.resume(
        subscription.id,
        {"billing_cycle_anchor": {"type": "unchanged"}, "proration_behavior": behavior},
    )
    assert resumed.status == "active"
    item = resumed["items"].data[0]
    assert (item.current_period_start, item.current_period_end) == (NOON + 20 * DAY, JUNE)
    assert sorted(pending(shop, subscription)) == sorted(waiting)  # 11 of 31 days are left
    if billed is not None:
        assert shop.latest(subscription).total == billed
    shop.travel(JUNE + HOUR)
    assert shop.latest(subscription).total == 3100 + sum(waiting)
    assert shop.again(subscription)["items"].data[0].current_period_start == JUNE


def test_days_that_were_paid_for_are_not_billed_twice(shop: Shop) -> None:
    subscription = paused(shop, bill_for={"unused_time_from": {"type": "none"}})
    shop.travel(NOON + 20 * DAY)
    shop.client.v1.subscriptions.resume(
        subscription.id, {"billing_cycle_anchor": {"type": "unchanged"}}
    )
    assert pending(shop, subscription) == []


def test_an_older_invoice_is_collected_through_the_pause(shop: Shop) -> None:
    customer = shop.customer()
    subscription = shop.subscribe(customer, shop.price(3100))
    shop.card(customer, "pm_card_chargeCustomerFail")
    shop.travel(JUNE + HOUR)
    assert shop.again(subscription).status == "past_due"
    shop.client.v1.subscriptions.pause(
        subscription.id, {"bill_for": {"unused_time_from": {"type": "none"}}}
    )
    june = shop.latest(subscription)
    assert june.next_payment_attempt == JUNE + HOUR + DAY
    # The end of its retries leaves the pause alone.
    shop.travel(JUNE + 20 * DAY)
    assert shop.again(subscription).status == "paused"
    assert shop.latest(subscription).attempt_count == 8
    shop.card(customer)
    shop.client.v1.invoices.pay(june.id)
    assert shop.again(subscription).status == "paused"


def test_a_pause_takes_back_a_change_that_waits_for_its_payment(shop: Shop) -> None:
    customer = shop.customer()
    subscription = shop.subscribe(customer, shop.price(3100))
    shop.travel(NOON + 5 * DAY)
    shop.card(customer, "pm_card_chargeCustomerFail")
    waiting = shop.change(
        subscription,
        shop.price(9900, name="Business"),
        proration_behavior="always_invoice",
        payment_behavior="pending_if_incomplete",
    )
    after = shop.client.v1.subscriptions.pause(subscription.id)
    assert (after.status, after.pending_update) == ("paused", None)
    assert shop.client.v1.invoices.retrieve(waiting.latest_invoice).status == "void"


def test_a_paused_subscription_can_be_canceled_now_and_at_a_date(shop: Shop) -> None:
    subscription = paused(shop)
    shop.client.v1.subscriptions.update(subscription.id, {"cancel_at": NOON + 15 * DAY})
    shop.travel(NOON + 15 * DAY)
    ended = shop.again(subscription)
    assert (ended.status, ended.status_details) == ("canceled", None)
    other = paused(shop, after=20)
    assert shop.client.v1.subscriptions.cancel(other.id).status == "canceled"


def test_a_coupon_runs_on_through_a_pause(shop: Shop) -> None:
    coupon = shop.client.v1.coupons.create(
        {"percent_off": 50, "duration": "repeating", "duration_in_months": 2}
    )
    subscription = shop.subscribe(
        shop.customer(), shop.price(3100), discounts=[{"coupon": coupon.id}]
    )
    shop.travel(NOON + 10 * DAY)
    shop.client.v1.subscriptions.pause(
        subscription.id, {"bill_for": {"unused_time_from": {"type": "none"}}}
    )
    shop.travel(NOON + 62 * DAY)  # 2 July; the two months were over on the 1st
    shop.client.v1.subscriptions.resume(subscription.id, PAID)
    assert shop.latest(subscription).total == 3100

"""Subscriptions over long times: calendars, endings, one-offs, plans of different lengths."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from sandbox import Sandbox
from sandbox.tests.billing import Shop, amounts
from sandbox.tests.conftest import NOON

HOUR = 3600
DAY = 86_400
JUNE = NOON + 31 * DAY
JULY = JUNE + 30 * DAY


@pytest.fixture
def shop(stripe_client: stripe.StripeClient, app: Sandbox) -> Shop:
    return Shop(stripe_client, app)


def at(*date: int) -> int:
    """Noon of a day, UTC, in unix seconds."""
    return int(datetime(*date, 12, tzinfo=UTC).timestamp())  # type: ignore[arg-type]


def one_off(shop: Shop, customer: Any, amount: int = 500, **given: Any) -> Any:
    return shop.client.v1.invoice_items.create(
        {"customer": customer.id, "amount": amount, "currency": "usd", **given}
    )


def pending(shop: Shop, customer: Any) -> list[int]:
    found = shop.client.v1.invoice_items.list({"customer": customer.id, "pending": True})
    return sorted(entry.amount for entry in found.data)


# Calendars ----------------------------------------------------------------------------------------


def test_the_31st_is_the_last_day_of_short_months_for_13_months(shop: Shop, clock: Any) -> None:
    clock.set(at(2027, 1, 31))
    subscription = shop.subscribe(shop.customer(), shop.price(2900))
    shop.travel(at(2028, 2, 29) + HOUR)
    days = [datetime.fromtimestamp(one.created, UTC) for one in shop.invoices(subscription)]
    assert [(day.month, day.day) for day in days] == [
        (1, 31), (2, 28), (3, 31), (4, 30), (5, 31), (6, 30), (7, 31),
        (8, 31), (9, 30), (10, 31), (11, 30), (12, 31), (1, 31), (2, 29),
    ]  # fmt: skip
    assert {day.hour for day in days} == {12}
    assert {one.status for one in shop.invoices(subscription)} == {"paid"}


def test_a_year_from_a_leap_day_ends_on_the_28th(shop: Shop, clock: Any) -> None:
    clock.set(at(2028, 2, 29))
    subscription = shop.subscribe(shop.customer(), shop.price(29000, "year"))
    shop.travel(at(2032, 2, 29) + HOUR)
    made = [datetime.fromtimestamp(one.created, UTC) for one in shop.invoices(subscription)]
    assert [(day.year, day.day) for day in made] == [
        (2028, 29), (2029, 28), (2030, 28), (2031, 28), (2032, 29),
    ]  # fmt: skip


def test_a_yearly_and_a_monthly_item_each_renew_on_their_own_day(shop: Shop) -> None:
    team, extra = shop.price(12000, "year"), shop.price(1000, name="Extra")
    customer = shop.customer()
    subscription = shop.client.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": team.id}, {"price": extra.id}]}
    )
    assert amounts(shop.latest(subscription)) == [12000, 1000]
    shop.travel(NOON + 365 * DAY + HOUR)
    totals = [one.total for one in shop.invoices(subscription)]
    assert totals == [13000, *[1000] * 11, 13000]
    yearly, monthly = shop.again(subscription)["items"].data
    assert yearly.current_period_end == at(2028, 5, 1)
    assert monthly.current_period_end == at(2027, 6, 1)


def test_the_cycle_can_start_anew(shop: Shop, clock: Any) -> None:
    subscription = shop.subscribe(shop.customer(), shop.price(3100))
    clock.advance(10 * DAY)
    anew = shop.client.v1.subscriptions.update(
        subscription.id, {"billing_cycle_anchor": {"type": "now"}}
    )
    assert anew.billing_cycle_anchor == NOON + 10 * DAY
    # 21 of 31 days come back, a whole month begins.
    assert (amounts(shop.latest(anew)), shop.latest(anew).amount_paid) == ([-2100, 3100], 1000)
    shop.travel(NOON + 41 * DAY + HOUR)
    assert amounts(shop.latest(anew)) == [3100]


# Endings ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("which", "end"), [("min_period_end", JUNE), ("max_period_end", at(2027, 5, 1))]
)
def test_an_end_can_be_the_first_or_the_last_items(shop: Shop, which: str, end: int) -> None:
    team, extra = shop.price(12000, "year"), shop.price(1000, name="Extra")
    subscription = shop.client.v1.subscriptions.create(
        {"customer": shop.customer().id, "items": [{"price": team.id}, {"price": extra.id}]}
    )
    ending = shop.client.v1.subscriptions.update(subscription.id, {"cancel_at": which})
    assert (ending.cancel_at, ending.status) == (end, "active")
    shop.travel(end)
    assert shop.again(subscription).ended_at == end


def test_an_end_within_the_period_gives_back_what_is_left(shop: Shop) -> None:
    customer = shop.customer()
    subscription = shop.subscribe(customer, shop.price(3100))
    shop.client.v1.subscriptions.update(
        subscription.id, {"cancel_at": NOON + 10 * DAY, "proration_behavior": "create_prorations"}
    )
    shop.travel(NOON + 10 * DAY)
    assert shop.again(subscription).status == "canceled"
    assert shop.client.v1.customers.retrieve(customer.id).balance == -2100


def test_a_past_due_subscription_is_canceled_and_its_invoice_left_alone(shop: Shop) -> None:
    customer = shop.customer()
    subscription = shop.subscribe(customer, shop.price(2900))
    shop.card(customer, "pm_card_chargeCustomerFail")
    shop.travel(JUNE + HOUR)
    canceled = shop.client.v1.subscriptions.cancel(
        subscription.id, {"cancellation_details": {"feedback": "too_expensive"}}
    )
    assert (canceled.status, canceled.cancellation_details.feedback) == (
        "canceled",
        "too_expensive",
    )
    invoice = shop.latest(subscription)
    assert (invoice.status, invoice.auto_advance, invoice.next_payment_attempt) == (
        "open",
        False,
        None,
    )
    shop.travel(JULY + DAY)
    assert len(shop.events("charge.failed")) == 1
    shop.card(customer)
    shop.client.v1.invoices.pay(invoice.id)
    assert shop.again(subscription).status == "canceled"


def test_an_end_taken_back_and_set_again_counts(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer(), shop.price(2900))
    update = shop.client.v1.subscriptions.update
    update(subscription.id, {"cancel_at_period_end": True})
    undone = update(subscription.id, {"cancel_at_period_end": False})
    assert (undone.cancel_at, undone.canceled_at) == (None, None)
    shop.travel(JUNE + HOUR)
    assert shop.again(subscription).status == "active"
    update(subscription.id, {"cancel_at_period_end": True})
    shop.travel(JULY)
    assert shop.again(subscription).ended_at == JULY
    again = shop.subscribe(
        shop.client.v1.customers.retrieve(subscription.customer), shop.price(2900)
    )
    assert (again.status, again.billing_cycle_anchor) == ("active", JULY)


# One-offs -----------------------------------------------------------------------------------------


def test_one_offs_are_billed_with_the_renewal_they_belong_to(shop: Shop) -> None:
    customer = shop.customer()
    first = shop.subscribe(customer, shop.price(2900))
    second = shop.subscribe(customer, shop.price(1000, name="Extra"))
    one_off(shop, customer, 500, subscription=second.id)
    one_off(shop, customer, 300)
    shop.travel(JUNE + HOUR)
    assert sorted(amounts(shop.latest(second))) in ([500, 1000], [300, 500, 1000])
    both = sorted(amounts(shop.latest(first)) + amounts(shop.latest(second)))
    assert both == [300, 500, 1000, 2900]
    assert pending(shop, customer) == []


def test_one_offs_are_billed_at_the_end_only_when_asked_for(shop: Shop) -> None:
    customer = shop.customer()
    billed = shop.subscribe(customer, shop.price(2900))
    one_off(shop, customer, 500, subscription=billed.id)
    shop.client.v1.subscriptions.cancel(billed.id, {"invoice_now": True})
    assert amounts(shop.latest(billed)) == [500]
    left = shop.subscribe(customer, shop.price(2900))
    one_off(shop, customer, 700, subscription=left.id)
    shop.client.v1.subscriptions.cancel(left.id)
    # It waits, and belongs to nobody's renewal any more.
    assert pending(shop, customer) == [700]
    next_one = shop.subscribe(customer, shop.price(2900))
    assert amounts(shop.latest(next_one)) == [2900]


# Schedules ----------------------------------------------------------------------------------------


def test_a_downgrade_is_scheduled_undone_and_scheduled_again(shop: Shop) -> None:
    business, team = shop.price(9900, name="Business"), shop.price(2900)
    subscription = shop.subscribe(shop.customer(), business)
    schedules = shop.client.v1.subscription_schedules

    def downgrade() -> Any:
        schedule = schedules.create({"from_subscription": subscription.id})
        phase = schedule.phases[0]
        return schedules.update(
            schedule.id,
            {
                "end_behavior": "release",
                "phases": [
                    {
                        "items": [{"price": business.id}],
                        "start_date": phase.start_date,
                        "end_date": phase.end_date,
                    },
                    {"items": [{"price": team.id}], "duration": {"interval": "month"}},
                ],
            },
        )

    first = downgrade()
    assert schedules.release(first.id).status == "released"
    shop.travel(JUNE + HOUR)
    assert amounts(shop.latest(subscription)) == [9900]
    assert shop.again(subscription).schedule is None
    second = downgrade()
    assert shop.again(subscription).schedule == second.id
    shop.travel(JULY + HOUR)
    assert amounts(shop.latest(subscription)) == [2900]
    shop.travel(JULY + 32 * DAY)
    assert schedules.retrieve(second.id).status == "released"
    assert amounts(shop.latest(subscription)) == [2900]


# Balances -----------------------------------------------------------------------------------------


def test_every_kind_of_balance_transaction_adds_up(shop: Shop) -> None:
    customer = shop.customer(balance=-1000)
    transactions = shop.client.v1.customers.balance_transactions
    transactions.create(
        customer.id, {"amount": 300, "currency": "usd", "description": "Postage owed"}
    )
    transactions.create(customer.id, {"amount": -200, "currency": "eur"})
    subscription = shop.subscribe(customer, shop.price(2900))
    invoice = shop.latest(subscription)
    # 10.00 of credit less 3.00 owed pays 7.00 of the 29.00.
    assert (invoice.starting_balance, invoice.ending_balance, invoice.amount_paid) == (
        -700,
        0,
        2200,
    )
    note = shop.client.v1.credit_notes.create(
        {"invoice": invoice.id, "amount": 900, "credit_amount": 900}
    )
    other = one_off(shop, customer, 600)
    draft = shop.client.v1.invoices.create(
        {"customer": customer.id, "pending_invoice_items_behavior": "include"}
    )
    settled = shop.client.v1.invoices.finalize_invoice(draft.id)
    assert (settled.status, settled.amount_paid, other.amount) == ("paid", 0, 600)
    small = one_off(shop, customer, 320)
    draft = shop.client.v1.invoices.create(
        {"customer": customer.id, "pending_invoice_items_behavior": "include"}
    )
    tiny = shop.client.v1.invoices.finalize_invoice(draft.id)
    # 3.00 of credit is left; the 0.20 still owed is too little to charge.
    assert (tiny.amount_due, tiny.ending_balance, small.amount) == (0, 20, 320)
    told = transactions.list(customer.id, {"limit": 100}).data[::-1]
    assert [(one.type, one.amount, one.currency) for one in told] == [
        ("initial", -1000, "usd"),
        ("adjustment", 300, "usd"),
        ("adjustment", -200, "eur"),
        ("applied_to_invoice", 700, "usd"),
        ("credit_note", -900, "usd"),
        ("applied_to_invoice", 600, "usd"),
        ("invoice_too_small", 320, "usd"),
    ]
    assert told[4].credit_note == note.id
    assert shop.client.v1.customers.retrieve(customer.id).balance == 20


def test_a_voided_invoice_gives_its_credit_back_as_a_transaction(shop: Shop) -> None:
    customer = shop.customer(None, balance=-1000)
    one_off(shop, customer, 2500)
    draft = shop.client.v1.invoices.create(
        {"customer": customer.id, "pending_invoice_items_behavior": "include"}
    )
    invoice = shop.client.v1.invoices.finalize_invoice(draft.id)
    assert invoice.amount_due == 1500
    shop.client.v1.invoices.void_invoice(invoice.id)
    told = shop.client.v1.customers.balance_transactions.list(customer.id).data[0]
    assert (told.type, told.amount, told.ending_balance) == ("unapplied_from_invoice", -1000, -1000)


# Paused collection --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behavior", "status"),
    [("void", "void"), ("mark_uncollectible", "uncollectible"), ("keep_as_draft", "draft")],
)
def test_paused_collection_leaves_the_subscription_active(
    shop: Shop, behavior: Any, status: str
) -> None:
    subscription = shop.subscribe(shop.customer(), shop.price(2900))
    shop.client.v1.subscriptions.update(
        subscription.id,
        {"pause_collection": {"behavior": behavior, "resumes_at": JUNE + 10 * DAY}},
    )
    shop.travel(JUNE + DAY)
    invoice = shop.latest(subscription)
    assert (invoice.status, invoice.auto_advance, invoice.attempted) == (status, False, False)
    assert shop.again(subscription).status == "active"
    shop.travel(JUNE + 10 * DAY)
    assert shop.again(subscription).pause_collection is None
    shop.travel(JULY + HOUR)
    assert shop.latest(subscription).amount_paid == 2900

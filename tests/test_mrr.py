"""What a subscription brings in a month."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing import mrr
from billing.pricing import DAYS, Cadence
from models import Customer, SubscriptionItem
from tests.conftest import START
from tests.test_pricing import TIERS, holding, price


def every(interval, count=1):
    return Cadence(DAYS[interval] * count, interval, count)


def coupon(duration="forever", end=None, **off):
    """A discount as Stripe tells it, with its coupon whole."""
    given = {"percent_off": None, "amount_off": None, "currency": "usd", **off}
    return {
        "id": "di_1",
        "end": None if end is None else int(end.timestamp()),
        "source": {"type": "coupon", "coupon": {"duration": duration, **given}},
    }


@pytest.mark.parametrize(
    ("amount", "interval", "count", "expected"),
    [
        (4900, "month", 1, 4900),
        (47040, "year", 1, 3920),
        (14700, "month", 3, 4900),
        (94080, "year", 2, 3920),
        (700, "week", 1, 3044),  # 700 * 365.25 / 7 / 12 = 3043.75
        (100, "day", 1, 3044),  # 100 * 365.25 / 12 = 3043.75
        (6, "year", 1, 0),  # half of one is rounded to the even neighbour
        (18, "year", 1, 2),
        (-18, "year", 1, -2),
        (0, "month", 1, 0),
    ],
)
def test_an_amount_is_spread_evenly_over_the_months_of_its_cadence(
    amount, interval, count, expected
):
    assert mrr.monthly(amount, every(interval, count)) == expected


def test_seats_are_multiplied_before_anything_is_rounded():
    assert mrr.of(holding(price(1000), quantity=8)) == 8000
    assert mrr.of(holding(price(1001, "year"), quantity=12)) == 1001


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("active", 4900),
        ("past_due", 4900),
        ("trialing", 0),
        ("paused", 0),
        ("unpaid", 0),
        ("incomplete", 0),
        ("incomplete_expired", 0),
        ("canceled", 0),
        ("a status of tomorrow", 0),
    ],
)
def test_only_what_is_paid_for_counts(status, expected):
    assert mrr.of(holding(price(4900), status=status)) == expected


def test_a_deleted_subscription_is_worth_nothing():
    gone = holding(price(4900))
    gone.deleted_at = START
    assert mrr.of(gone) == 0


@pytest.mark.parametrize(
    ("behavior", "expected"), [("keep_as_draft", 4900), ("void", 0), ("mark_uncollectible", 0)]
)
def test_a_paused_collection_counts_only_while_its_invoices_are_kept(behavior, expected):
    held = holding(price(4900))
    held.pause_collection = {"behavior": behavior}
    assert mrr.of(held) == expected


@pytest.mark.parametrize(
    ("discount", "expected"),
    [
        (coupon(percent_off=20), 3920),
        (coupon(amount_off=500), 4400),
        (coupon(percent_off=12.5), 4287),  # Stripe takes 613 off, as on the invoice
        (coupon(percent_off=20, duration="once"), 4900),
        (coupon(percent_off=20, duration="repeating", end=START + timedelta(days=1)), 3920),
        (coupon(percent_off=20, duration="repeating", end=START), 4900),
        (coupon(amount_off=9900), 0),
    ],
)
def test_discounts_that_last_are_taken_off(discount, expected):
    held = holding(price(4900))
    held.data = {"discounts": [discount]}
    assert mrr.of(held, START) == expected


def test_an_amount_off_each_yearly_invoice_is_a_twelfth_of_it_a_month():
    held = holding(price(47040, "year"))
    held.data = {"discounts": [coupon(amount_off=1200)]}
    assert mrr.of(held, START) == 3820


def test_a_customers_discount_counts_where_the_subscription_has_none():
    held = holding(price(4900))
    held.customer = Customer(stripe_id="cus_1", data={"discount": coupon(percent_off=50)})
    assert mrr.of(held, START) == 2450
    held.data = {"discounts": [coupon(percent_off=10)]}
    assert mrr.of(held, START) == 4410


def test_items_add_up_each_by_its_own_cadence():
    held = holding(price(4900))
    extra = SubscriptionItem(stripe_id="si_2", position=1, quantity=2, data={})
    extra.price = price(6000, "year", product="prod_2")
    held.items.append(extra)
    assert mrr.of(held) == 4900 + 1000


def test_what_depends_on_usage_is_not_counted_and_can_be_named():
    held = holding(price(4900))
    metered = SubscriptionItem(stripe_id="si_2", position=1, quantity=None, data={})
    metered.price = price(10, usage_type="metered")
    unknown = SubscriptionItem(stripe_id="si_3", position=2, quantity=1, data={})
    held.items.extend([metered, unknown])
    assert mrr.of(held) == 4900
    assert [item.stripe_id for item in mrr.not_counted(held)] == ["si_2", "si_3"]


def test_tiers_and_fractions_of_a_cent_count():
    tiers = price(None, billing_scheme="tiered", tiers_mode="graduated", tiers=TIERS)
    assert mrr.of(holding(tiers, quantity=12)) == 10500
    assert mrr.of(holding(price(None, unit_amount_decimal="0.5"), quantity=301)) == 150


def test_another_currency_is_worth_what_its_price_says_in_it():
    held = holding(price(4900, currency_options={"jpy": {"unit_amount": 7400}}), quantity=2)
    held.currency = "jpy"
    assert mrr.of(held) == 14800


def test_a_trial_is_worth_nothing_yet_and_its_price_afterwards():
    trial = holding(price(4900), status="trialing")
    assert (mrr.of(trial), mrr.worth(trial)) == (0, 4900)

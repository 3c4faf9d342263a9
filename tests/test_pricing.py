"""What things cost: tiers, fractions, savings, and when a change applies."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import pricing
from billing.pricing import Cadence, amount_for, choose_currency, takes_effect
from models import Price, Product, Subscription, SubscriptionItem

TIERS = [
    {"up_to": 5, "unit_amount": 1000, "flat_amount": 500},
    {"up_to": 10, "unit_amount": 800},
    {"up_to": None, "unit_amount_decimal": "500"},
]


def price(amount=1000, interval="month", count=1, product="prod_1", **more):
    columns = {
        "stripe_id": f"price_{product}_{interval}_{amount}",
        "product_id": product,
        "active": True,
        "type": "recurring",
        "currency": "usd",
        "unit_amount": amount,
        "unit_amount_decimal": None if amount is None else str(amount),
        "billing_scheme": "per_unit",
        "interval": interval,
        "interval_count": count,
        "usage_type": "licensed",
        "data": {},
    }
    return Price(**{**columns, **more})


def holding(held, quantity=1, status="active"):
    """A subscription to `held`."""
    item = SubscriptionItem(stripe_id="si_1", position=0, quantity=quantity, data={})
    item.price = held
    return Subscription(stripe_id="sub_1", status=status, currency="usd", data={}, items=[item])


def test_an_amount_is_unit_times_quantity():
    assert amount_for(price(4900), 8, "usd") == 39200


def test_an_amount_in_another_currency_is_that_currencys_own():
    both = price(4900, currency_options={"eur": {"unit_amount": 4500}})
    assert amount_for(both, 2, "eur") == 9000
    assert amount_for(both, 2, "gbp") is None


@pytest.mark.parametrize(("units", "total"), [(1, 1500), (5, 5500), (6, 6300), (12, 10500)])
def test_graduated_tiers_price_each_part_by_its_own_tier(units, total):
    tiered = price(None, billing_scheme="tiered", tiers_mode="graduated", tiers=TIERS)
    assert amount_for(tiered, units, "usd") == total


@pytest.mark.parametrize(("units", "total"), [(1, 1500), (5, 5500), (6, 4800), (12, 6000)])
def test_volume_tiers_price_everything_by_one_tier(units, total):
    tiered = price(None, billing_scheme="tiered", tiers_mode="volume", tiers=TIERS)
    assert amount_for(tiered, units, "usd") == total


def test_packages_are_counted_whole():
    packed = price(500, data={"transform_quantity": {"divide_by": 10, "round": "up"}})
    assert amount_for(packed, 11, "usd") == 1000
    packed.data = {"transform_quantity": {"divide_by": 10, "round": "down"}}
    assert amount_for(packed, 19, "usd") == 500


def test_what_cannot_be_known_is_none_never_a_guess():
    assert amount_for(price(usage_type="metered"), 1, "usd") is None
    assert amount_for(price(None, billing_scheme="tiered", tiers=None), 1, "usd") is None
    assert amount_for(price(None, unit_amount_decimal="0.5"), 3, "usd") is None
    assert amount_for(price(None, unit_amount_decimal="0.5"), 4, "usd") == 2


@given(st.integers(0, 10**6), st.integers(1, 10**4))
def test_more_units_never_cost_less_on_one_price(unit, quantity):
    each = price(unit)
    assert amount_for(each, quantity + 1, "usd") >= amount_for(each, quantity, "usd")


def test_cadences_are_ordered_by_length_and_named():
    found = sorted(
        Cadence.of(price(interval=i, count=c))
        for i, c in [("year", 1), ("month", 3), ("week", 1), ("month", 1), ("day", 1)]
    )
    assert [c.label for c in found] == ["Daily", "Weekly", "Monthly", "Every 3 months", "Yearly"]
    assert [c.key for c in found] == ["day", "week", "month", "3-month", "year"]
    assert Cadence.of(price(interval="month", count=12)) < Cadence.of(
        price(interval="year", count=2)
    )


def plan(*prices, **columns):
    product = Product(stripe_id="prod_1", name="Team", active=True, public=True, **columns)
    product.prices = list(prices)
    for each in prices:
        each.created = datetime(2026, 1, 1, tzinfo=UTC)
    return product


@pytest.mark.parametrize(
    ("yearly", "saved"), [(10000, 17), (12000, None), (13000, None), (11999, None), (6000, 50)]
)
def test_a_saving_is_worked_out_from_the_prices(yearly, saved):
    monthly, annual = price(1000), price(yearly, "year")
    team = plan(monthly, annual)
    cadence = Cadence.of
    assert pricing.saving_percent(team, cadence(monthly), cadence(annual), "usd") == saved


def test_the_currency_shown_is_the_bound_one_then_the_asked_then_the_first():
    sold = ["usd", "eur"]
    assert choose_currency(sold, fixed="gbp", asked="eur") == "gbp"
    assert choose_currency(sold, fixed=None, asked="eur") == "eur"
    assert choose_currency(sold, fixed=None, asked="xyz", likely="eur") == "eur"
    assert choose_currency(sold, fixed=None, asked=None) == "usd"


def test_the_currency_that_sells_most_plans_comes_first():
    rich = price(1000, currency_options={"eur": {"unit_amount": 900}})
    poor = price(2000, product="prod_2")
    assert pricing.currencies([plan(rich), plan(poor)]) == ["usd", "eur"]


@pytest.mark.parametrize(
    ("held", "wanted", "when"),
    [
        # dearer now, cheaper at the period's end
        (price(1900), price(4900, product="b"), "now"),
        (price(4900), price(1900, product="b"), "period_end"),
        (price(4900), price(4900, product="b"), "now"),
        # the same plan for longer now, for shorter at the period's end
        (price(1900), price(19000, "year"), "now"),
        (price(19000, "year"), price(1900), "period_end"),
        # yearly to a dearer monthly plan still waits: the year is paid
        (price(19000, "year"), price(9900, product="b"), "period_end"),
        # monthly to a yearly plan that costs more a day now, less a day later
        (price(1900), price(49000, "year", product="b"), "now"),
        (price(4900), price(19000, "year", product="b"), "period_end"),
    ],
)
def test_when_a_change_applies(held, wanted, when):
    assert takes_effect(holding(held), wanted, 1) == when


def test_in_a_trial_everything_applies_now():
    assert (
        takes_effect(holding(price(4900), status="trialing"), price(1900, product="b"), 1) == "now"
    )


def test_more_seats_apply_now_and_fewer_at_the_end_of_the_period():
    held = price(4900)
    assert takes_effect(holding(held, 8), held, 9) == "now"
    assert takes_effect(holding(held, 8), held, 7) == "period_end"


@pytest.mark.parametrize(
    ("held", "limits", "seats"),
    [(8, (1, 25), 8), (8, (10, 25), 10), (30, (1, 25), 25), (8, (None, None), 1)],
)
def test_seats_are_carried_within_the_plans_limits(held, limits, seats):
    low, high = limits
    from_plan = plan(min_seats=1, max_seats=100)
    to_plan = plan(min_seats=low, max_seats=high)
    held_price = price()
    held_price.product = from_plan
    held_by = holding(held_price, held)
    assert pricing.seats_for(to_plan, held_by) == seats


def test_seats_begin_at_the_least_without_a_subscription():
    assert pricing.seats_for(plan(min_seats=3, max_seats=9), None) == 3

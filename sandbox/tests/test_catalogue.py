"""Products, prices, discounts, tax rates."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox.tests.makers.catalogue import product as make_product


def price(client: stripe.StripeClient, **more: Any) -> Any:
    given: dict[str, Any] = {"currency": "usd", "unit_amount": 2000} | more
    if "product" not in given and "product_data" not in given:
        given["product_data"] = {"name": "Pro"}
    return client.v1.prices.create(given)


def refused(call: Any, *arguments: Any) -> stripe.InvalidRequestError:
    with pytest.raises(stripe.InvalidRequestError) as info:
        call(*arguments)
    return info.value


def test_a_product_may_bring_its_default_price(stripe_client: stripe.StripeClient) -> None:
    product = make_product(stripe_client)
    assert product.default_price.product == product.id
    assert product.default_price.recurring.interval == "month"
    types = [event.type for event in stripe_client.v1.events.list().data]
    assert types == ["product.updated", "price.created", "product.created"]


def test_a_product_with_prices_stays_one_without_leaves_a_tombstone(
    stripe_client: stripe.StripeClient,
) -> None:
    products = stripe_client.v1.products
    sold, unsold = make_product(stripe_client), products.create({"name": "Never sold"})
    assert "user-created prices" in str(refused(products.delete, sold.id).user_message)
    assert products.delete(unsold.id).deleted is True
    assert products.retrieve(unsold.id).deleted is True
    assert [one.id for one in products.list().data] == [sold.id]


def test_products_are_filtered_by_id_and_activity(stripe_client: stripe.StripeClient) -> None:
    products = stripe_client.v1.products
    one, two = products.create({"name": "One"}), products.create({"name": "Two", "active": False})
    assert [p.id for p in products.list({"active": True}).data] == [one.id]
    assert [p.id for p in products.list({"ids": [two.id]}).data] == [two.id]


def test_an_own_id_can_be_taken_once(stripe_client: stripe.StripeClient) -> None:
    create = stripe_client.v1.products.create
    assert create({"id": "pro", "name": "Pro"}).id == "pro"
    assert refused(create, {"id": "pro", "name": "Pro"}).code == "resource_already_exists"


def test_amounts_are_whole_or_decimal(stripe_client: stripe.StripeClient) -> None:
    whole = price(stripe_client, unit_amount=2000)
    assert (whole.unit_amount, str(whole.unit_amount_decimal)) == (2000, "2000")
    fraction = stripe_client.v1.prices.create(
        {"currency": "usd", "product": whole.product, "unit_amount_decimal": "0.05"}
    )
    assert (fraction.unit_amount, str(fraction.unit_amount_decimal)) == (None, "0.05")


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"unit_amount_decimal": "1"}, "unit_amount_decimal"),
        ({"unit_amount": -1}, "unit_amount"),
        ({"product": "prod_none"}, "product"),
        ({"billing_scheme": "tiered"}, "tiers"),
        ({"recurring": {"interval": "year", "interval_count": 4}}, "recurring[interval_count]"),
        ({"tiers": [{"up_to": "inf", "unit_amount": 1}]}, "tiers"),
    ],
)
def test_an_impossible_price_is_refused(
    wrong: dict[str, Any], param: str, stripe_client: stripe.StripeClient
) -> None:
    assert refused(lambda: price(stripe_client, **wrong)).param == param


def test_the_last_tier_is_open(stripe_client: stripe.StripeClient) -> None:
    tiered: dict[str, Any] = {
        "currency": "usd",
        "product": make_product(stripe_client).id,
        "billing_scheme": "tiered",
        "tiers_mode": "volume",
        "expand": ["tiers"],
    }
    create = stripe_client.v1.prices.create
    rising = [{"up_to": 5, "unit_amount": 10}, {"up_to": "inf", "flat_amount": 7}]
    tiers = create(tiered | {"tiers": rising}).tiers
    assert [(t.up_to, t.unit_amount, t.flat_amount) for t in tiers] == [
        (5, 10, None),
        (None, None, 7),
    ]
    for wrong in (rising[:1], rising[::-1], [rising[0], *rising]):
        assert refused(create, tiered | {"tiers": wrong}).http_status == 400


def test_other_currencies_are_options_beside_the_own(stripe_client: stripe.StripeClient) -> None:
    made = price(
        stripe_client,
        currency_options={"eur": {"unit_amount": 1900, "tax_behavior": "inclusive"}},
        expand=["currency_options"],
    )
    assert made.currency_options["eur"].unit_amount == 1900
    assert made.currency_options["eur"].tax_behavior == "inclusive"
    assert made.currency_options["usd"].unit_amount == 2000


def test_a_lookup_key_is_unique_until_it_is_transferred(
    stripe_client: stripe.StripeClient,
) -> None:
    prices = stripe_client.v1.prices
    old = price(stripe_client, lookup_key="pro")
    assert refused(lambda: price(stripe_client, lookup_key="pro")).param == "lookup_key"
    new = price(stripe_client, lookup_key="pro", transfer_lookup_key=True)
    assert [p.id for p in prices.list({"lookup_keys": ["pro"]}).data] == [new.id]
    assert prices.retrieve(old.id).lookup_key is None


def test_a_default_price_cannot_be_archived(stripe_client: stripe.StripeClient) -> None:
    product = make_product(stripe_client)
    update = stripe_client.v1.prices.update
    assert refused(update, product.default_price.id, {"active": False}).param == "active"
    other = price(stripe_client, product=product.id)
    assert update(other.id, {"active": False}).active is False


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"percent_off": 10, "amount_off": 10, "currency": "usd"},
        {"amount_off": 10},
        {"percent_off": 0},
        {"percent_off": 101},
        {"percent_off": 10, "duration": "repeating"},
        {"percent_off": 10, "duration_in_months": 3},
        {"percent_off": 10, "redeem_by": 1},
    ],
)
def test_an_impossible_coupon_is_refused(
    wrong: dict[str, Any], stripe_client: stripe.StripeClient
) -> None:
    assert refused(stripe_client.v1.coupons.create, wrong).http_status == 400


def test_a_coupon_is_valid_until_its_date(stripe_client: stripe.StripeClient, clock: Any) -> None:
    coupon = stripe_client.v1.coupons.create({"percent_off": 10, "redeem_by": clock.now() + 60})
    code = stripe_client.v1.promotion_codes.create(
        {"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "spring-10"}
    )
    assert (coupon.valid, code.active, code.code) == (True, True, "SPRING-10")
    clock.advance(60)
    assert stripe_client.v1.coupons.retrieve(coupon.id).valid is False
    found = stripe_client.v1.promotion_codes.list({"code": "spring-10", "active": True})
    assert found.data == []
    assert stripe_client.v1.promotion_codes.retrieve(code.id).active is False


def test_an_active_code_is_unique(stripe_client: stripe.StripeClient) -> None:
    coupon = stripe_client.v1.coupons.create({"percent_off": 10})
    codes = stripe_client.v1.promotion_codes
    given: Any = {"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "TEN"}
    first = codes.create(given)
    assert refused(codes.create, given).param == "code"
    codes.update(first.id, {"active": False})
    assert codes.create(given).active is True


def test_a_deleted_coupon_is_gone(stripe_client: stripe.StripeClient) -> None:
    coupon = stripe_client.v1.coupons.create({"percent_off": 10, "id": "TEN"})
    assert stripe_client.v1.coupons.delete(coupon.id).deleted is True
    assert refused(stripe_client.v1.coupons.retrieve, "TEN").code == "resource_missing"
    assert stripe_client.v1.coupons.create({"percent_off": 5, "id": "TEN"}).percent_off == 5


def test_tax_rates_can_be_archived_not_changed(stripe_client: stripe.StripeClient) -> None:
    rates = stripe_client.v1.tax_rates
    rate = rates.create({"display_name": "VAT", "inclusive": True, "percentage": 19.5})
    assert (rate.percentage, rate.effective_percentage) == (19.5, 19.5)
    assert rates.update(rate.id, {"active": False}).active is False
    assert rates.list({"active": True}).data == []
    wrong: Any = {"percentage": 20}
    assert refused(rates.update, rate.id, wrong).code == "parameter_unknown"

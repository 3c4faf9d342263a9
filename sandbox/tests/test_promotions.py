"""Discounts over time, and promotion codes that do not fit."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
import stripe

from sandbox import Sandbox
from sandbox.tests.billing import Shop
from sandbox.tests.conftest import NOON

HOUR = 3600
DAY = 86_400


@pytest.fixture
def shop(stripe_client: stripe.StripeClient, app: Sandbox) -> Shop:
    return Shop(stripe_client, app)


def coupon(shop: Shop, **given: Any) -> Any:
    return shop.client.v1.coupons.create({"percent_off": 25, "duration": "forever", **given})


def code(shop: Shop, of: Any = None, **given: Any) -> Any:
    of = of or coupon(shop)
    return shop.client.v1.promotion_codes.create(
        {"promotion": {"type": "coupon", "coupon": of.id}, "code": "SPRING", **given}
    )


@pytest.mark.parametrize(
    ("terms", "totals"),
    [
        ({"duration": "once"}, [1500, 2000, 2000, 2000, 2000]),
        ({"duration": "repeating", "duration_in_months": 3}, [1500, 1500, 1500, 2000, 2000]),
        ({"duration": "forever"}, [1500] * 5),
    ],
)
def test_a_discount_lasts_as_long_as_it_says(
    shop: Shop, terms: dict[str, Any], totals: list[int]
) -> None:
    subscription = shop.subscribe(
        shop.customer(), shop.price(2000), discounts=[{"coupon": coupon(shop, **terms).id}]
    )
    shop.travel(NOON + 123 * DAY + HOUR)  # 1 September
    assert [one.total for one in shop.invoices(subscription)] == totals
    assert len(shop.again(subscription).discounts) == (terms["duration"] == "forever")
    assert len(shop.events("customer.discount.deleted")) == (terms["duration"] != "forever")


def test_a_repeating_discount_on_a_yearly_plan_is_used_once(shop: Shop) -> None:
    off = coupon(shop, duration="repeating", duration_in_months=6)
    subscription = shop.subscribe(
        shop.customer(), shop.price(20000, "year"), discounts=[{"coupon": off.id}]
    )
    shop.travel(NOON + 365 * DAY + HOUR)
    assert [one.total for one in shop.invoices(subscription)] == [15000, 20000]


def test_a_discount_given_later_counts_from_then(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer(), shop.price(2000))
    shop.travel(NOON + 10 * DAY)
    off = coupon(shop, duration="repeating", duration_in_months=1)
    changed = shop.client.v1.subscriptions.update(
        subscription.id, {"discounts": [{"coupon": off.id}], "expand": ["discounts"]}
    )
    assert changed.discounts[0].end == NOON + 41 * DAY  # 11 June
    shop.travel(NOON + 61 * DAY + HOUR)
    assert [one.total for one in shop.invoices(subscription)] == [2000, 1500, 2000]


REFUSALS = [
    ({"expires_at": NOON + DAY}, 2 * DAY, "because it has expired"),
    ({"restrictions": {"minimum_amount": 2001, "minimum_amount_currency": "usd"}}, 0, "minimum"),
]


@pytest.mark.parametrize(("given", "later", "message"), REFUSALS)
def test_a_code_that_does_not_fit_is_refused_everywhere_at_the_start(
    shop: Shop, clock: Any, given: dict[str, Any], later: int, message: str
) -> None:
    customer, price, promotion = shop.customer(), shop.price(2000), code(shop, **given)
    clock.advance(later)
    discounts = [{"promotion_code": promotion.id}]
    with pytest.raises(stripe.InvalidRequestError, match=message) as refused:
        shop.subscribe(customer, price, discounts=discounts)
    assert refused.value.param == "discounts[0][promotion_code]"
    with pytest.raises(stripe.InvalidRequestError, match=message):
        shop.client.v1.invoices.create_preview(
            {
                "customer": customer.id,
                "subscription_details": {"items": [{"price": price.id}]},
                "discounts": discounts,
            }
        )
    with pytest.raises(stripe.InvalidRequestError, match=message):
        checkout(shop, price, discounts=discounts)
    assert shop.client.v1.promotion_codes.retrieve(promotion.id).times_redeemed == 0


def checkout(shop: Shop, price: Any, quantity: int = 1, **given: Any) -> Any:
    return shop.client.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "line_items": [{"price": price.id, "quantity": quantity}],
            "success_url": "https://shop.example/done",
            **given,
        }
    )


def test_a_minimum_that_is_reached_is_no_hindrance(shop: Shop) -> None:
    least = {"minimum_amount": 4000, "minimum_amount_currency": "usd"}
    promotion = code(shop, restrictions=least)
    subscription = shop.subscribe(
        shop.customer(), shop.price(2000), 2, discounts=[{"promotion_code": promotion.id}]
    )
    assert shop.latest(subscription).total == 3000


def test_a_code_with_a_minimum_is_not_for_updates(shop: Shop) -> None:
    least = {"minimum_amount": 100, "minimum_amount_currency": "usd"}
    promotion = code(shop, restrictions=least)
    subscription = shop.subscribe(shop.customer(), shop.price(2000))
    with pytest.raises(stripe.InvalidRequestError, match="on a subscription update"):
        shop.client.v1.subscriptions.update(
            subscription.id, {"discounts": [{"promotion_code": promotion.id}]}
        )
    assert shop.again(subscription).discounts == []


def test_a_code_for_another_plan_is_refused_at_the_start_and_on_a_change(shop: Shop) -> None:
    team, business = shop.price(2000), shop.price(5000, name="Business")
    off = coupon(shop, applies_to={"products": [business.product]})
    discounts = [{"promotion_code": code(shop, off).id}]
    with pytest.raises(stripe.InvalidRequestError, match="does not apply to anything"):
        shop.subscribe(shop.customer(), team, discounts=discounts)
    subscription = shop.subscribe(shop.customer(), team)
    item = {"id": subscription["items"].data[0].id}
    with pytest.raises(stripe.InvalidRequestError, match="does not apply to anything"):
        shop.client.v1.subscriptions.update(subscription.id, {"discounts": discounts})
    preview = shop.client.v1.invoices.create_preview(
        {
            "subscription": subscription.id,
            "subscription_details": {"items": [item | {"price": business.id}]},
            "discounts": discounts,
        }
    )
    assert preview.total_discount_amounts
    shop.client.v1.subscriptions.update(
        subscription.id, {"items": [item | {"price": business.id}], "discounts": discounts}
    )
    assert len(shop.again(subscription).discounts) == 1


def test_a_code_for_first_purchases_is_refused_to_who_paid_before(shop: Shop) -> None:
    promotion = code(shop, restrictions={"first_time_transaction": True})
    discounts = [{"promotion_code": promotion.id}]
    bought, new = shop.customer(), shop.customer()
    shop.client.v1.payment_intents.create(
        {
            "amount": 500,
            "currency": "usd",
            "customer": bought.id,
            "payment_method": bought.invoice_settings.default_payment_method,
            "confirm": True,
            "off_session": True,
        }
    )
    with pytest.raises(stripe.InvalidRequestError, match="has prior transactions"):
        shop.subscribe(bought, shop.price(2000), discounts=discounts)
    with pytest.raises(stripe.InvalidRequestError, match="has prior transactions"):
        checkout(shop, shop.price(2000), customer=bought.id, discounts=discounts)
    assert shop.latest(shop.subscribe(new, shop.price(2000), discounts=discounts)).total == 1500


def test_a_code_of_one_customer_and_a_used_up_one_are_told_apart(shop: Shop) -> None:
    owner, other = shop.customer(), shop.customer()
    own = [{"promotion_code": code(shop, customer=owner.id).id}]
    with pytest.raises(stripe.InvalidRequestError, match="the one it is restricted to"):
        shop.subscribe(other, shop.price(2000), discounts=own)
    once = [{"promotion_code": code(shop, code="ONCE", max_redemptions=1).id}]
    shop.subscribe(owner, shop.price(2000), discounts=once)
    with pytest.raises(stripe.InvalidRequestError, match="used the maximum number of times"):
        shop.subscribe(other, shop.price(2000), discounts=once)
    off = shop.client.v1.promotion_codes.update(own[0]["promotion_code"], {"active": False})
    with pytest.raises(stripe.InvalidRequestError, match="it is inactive"):
        shop.subscribe(owner, shop.price(2000), discounts=[{"promotion_code": off.id}])


def test_a_coupon_redeemed_too_late_has_expired(shop: Shop, clock: Any) -> None:
    off = coupon(shop, redeem_by=NOON + DAY)
    clock.advance(2 * DAY)
    with pytest.raises(stripe.InvalidRequestError, match="Coupon expired") as refused:
        shop.subscribe(shop.customer(), shop.price(2000), discounts=[{"coupon": off.id}])
    assert refused.value.code == "coupon_expired"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"expires_at": NOON + HOUR}, "This code has expired."),
        (
            {"restrictions": {"minimum_amount": 2001, "minimum_amount_currency": "usd"}},
            "This code needs an order of at least $20.01.",
        ),
        ({"max_redemptions": 1}, "This code has been used up."),
        ({}, "This code is not for what you are buying."),
    ],
)
def test_checkout_tells_a_buyer_what_is_wrong_with_a_code(
    shop: Shop, clock: Any, given: dict[str, Any], says: str
) -> None:
    team, business = shop.price(2000), shop.price(5000, name="Business")
    off = coupon(shop) if given else coupon(shop, applies_to={"products": [business.product]})
    promotion = code(shop, off, **given)
    if "max_redemptions" in given:
        shop.subscribe(shop.customer(), team, discounts=[{"promotion_code": promotion.id}])
    session = checkout(shop, team, allow_promotion_codes=True)
    clock.advance(2 * HOUR)
    form = {"action": "promotion-code", "promotion_code": "spring"}
    page = shop.app.test_client().post(urlsplit(session.url).path, data=form).text
    assert says in page

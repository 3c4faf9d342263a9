"""Proration to the second, worked out by hand; and previews that equal what follows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox import Sandbox
from sandbox.engine.calendar import boundary, period
from sandbox.tests.billing import Shop, amounts
from sandbox.tests.conftest import NOON

DAY = 86_400
MAY = 31 * DAY  # from NOON, 1 May, to noon on 1 June
TIMES = "\N{MULTIPLICATION SIGN}"


@pytest.fixture
def shop(stripe_client: stripe.StripeClient, app: Sandbox) -> Shop:
    return Shop(stripe_client, app)


def stamp(text: str) -> int:
    """The unix time of a UTC date and time."""

    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_an_anchor_on_the_31st_bills_on_the_last_day_of_short_months() -> None:
    anchor = stamp("2027-12-31 09:30")
    starts = [boundary(anchor, "month", 1, n) for n in range(6)]
    expected = ["2027-12-31", "2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30", "2028-05-31"]
    assert starts == [stamp(f"{day} 09:30") for day in expected]


def test_a_leap_day_anchor_bills_on_the_28th_in_other_years() -> None:
    anchor = stamp("2028-02-29 00:00")
    years = [boundary(anchor, "year", 1, n) for n in range(5)]
    days = ["2028-02-29", "2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]
    assert years == [stamp(f"{day} 00:00") for day in days]


@pytest.mark.parametrize("interval", ["day", "week", "month", "year"])
def test_a_period_starts_the_second_the_one_before_ends(interval: str) -> None:
    anchor = stamp("2026-01-31 23:59:59")
    end = period(anchor, interval, 3, anchor + 400 * DAY)[1]
    assert period(anchor, interval, 3, end - 1)[1] == end
    assert period(anchor, interval, 3, end)[0] == end


def test_a_renewal_on_the_31st_returns_to_the_31st(shop: Shop, clock: Any) -> None:
    clock.set(stamp("2026-12-31 12:00"))
    subscription = shop.subscribe(shop.customer(), shop.price(1000))
    shop.travel(stamp("2027-04-01 00:00"))
    starts = [invoice.created for invoice in shop.invoices(subscription)]
    days = ["2026-12-31", "2027-01-31", "2027-02-28", "2027-03-31"]
    assert starts == [stamp(f"{day} 12:00") for day in days]


def test_yen_are_prorated_to_whole_yen(shop: Shop, clock: Any) -> None:
    small = shop.price(980, currency="jpy")
    large = shop.price(2980, currency="jpy", name="Large")
    subscription = shop.subscribe(shop.customer(), small)
    clock.set(NOON + MAY // 2 + 1)
    shop.change(subscription, large, proration_behavior="always_invoice")
    # 1 339 199 of 2 678 400 seconds are left: 980 * that = 489.9996.. -> 490,
    # 2980 * that = 1489.9988.. -> 1490.
    assert amounts(shop.latest(subscription)) == [-490, 1490]
    assert shop.latest(subscription).total == 1000


def test_dinars_are_prorated_in_steps_of_ten(shop: Shop, clock: Any) -> None:
    small = shop.price(5120, currency="kwd")
    large = shop.price(9990, currency="kwd", name="Large")
    subscription = shop.subscribe(shop.customer(), small)
    clock.set(NOON + 7 * DAY)
    shop.change(subscription, large, proration_behavior="always_invoice")
    # 24 of 31 days: 5120 * 24/31 = 3963.87.. -> 3960, 9990 * 24/31 = 7734.19.. -> 7730
    assert amounts(shop.latest(subscription)) == [-3960, 7730]


def test_a_half_cent_is_rounded_away_from_zero(shop: Shop, clock: Any) -> None:
    odd, other = shop.price(101), shop.price(303, name="Other")
    subscription = shop.subscribe(shop.customer(), odd)
    clock.set(NOON + MAY // 2)
    shop.change(subscription, other)
    pending = shop.client.v1.invoice_items.list({"pending": True}).data[::-1]
    # 101 / 2 = 50.5 -> 51 and 303 / 2 = 151.5 -> 152
    assert [item.amount for item in pending] == [-51, 152]


def test_seats_are_prorated_with_their_number_in_the_wording(shop: Shop, clock: Any) -> None:
    seat = shop.price(1000, name="Seats")
    subscription = shop.subscribe(shop.customer(), seat, quantity=3)
    clock.set(NOON + 20 * DAY)
    shop.change(subscription, quantity=5, proration_behavior="always_invoice")
    invoice = shop.latest(subscription)
    # 11 of 31 days: 3000 * 11/31 = 1064.51.. -> 1065, 5000 * 11/31 = 1774.19.. -> 1774
    assert [(line.amount, line.description) for line in invoice.lines.data] == [
        (-1065, f"Unused time on 3 {TIMES} Seats after 21 May 2026"),
        (1774, f"Remaining time on 5 {TIMES} Seats after 21 May 2026"),
    ]
    line = invoice.lines.data[0]
    parent = line.parent.subscription_item_details
    assert parent.proration is True
    assert parent.subscription_item == subscription["items"].data[0].id
    assert parent.proration_details.credited_items.invoice_line_items
    assert line.pricing.price_details.price == seat.id
    assert (line.period.start, line.period.end) == (NOON + 20 * DAY, NOON + MAY)


def test_tiers_are_billed_tier_by_tier_and_prorated(shop: Shop, clock: Any) -> None:
    tiers = [
        {"up_to": 5, "unit_amount": 1000, "flat_amount": 500},
        {"up_to": "inf", "unit_amount": 700},
    ]
    price = shop.price(
        None, billing_scheme="tiered", tiers_mode="graduated", tiers=tiers, name="Seats"
    )
    subscription = shop.subscribe(shop.customer(), price, quantity=8)
    # 500 + 5 * 1000 + 3 * 700
    assert shop.latest(subscription).total == 7600
    clock.set(NOON + MAY // 2)
    shop.change(subscription, quantity=4, proration_behavior="always_invoice")
    # Half of 7600 back, half of 500 + 4 * 1000.
    assert amounts(shop.latest(subscription)) == [-3800, 2250]


def test_a_downgrade_leaves_credit_that_pays_the_next_invoice(shop: Shop, clock: Any) -> None:
    business, team = shop.price(9900, name="Business"), shop.price(2900)
    customer = shop.customer()
    subscription = shop.subscribe(customer, business)
    clock.set(NOON + MAY // 2)
    shop.change(subscription, team, proration_behavior="always_invoice")
    invoice = shop.latest(subscription)
    # -4950 + 1450
    assert (invoice.total, invoice.amount_due, invoice.status) == (-3500, 0, "paid")
    assert (invoice.starting_balance, invoice.ending_balance) == (0, -3500)
    assert shop.client.v1.customers.retrieve(customer.id).balance == -3500
    shop.travel(NOON + MAY + 3600)
    renewal = shop.latest(subscription)
    assert (renewal.total, renewal.amount_due, renewal.status) == (2900, 0, "paid")
    assert shop.client.v1.customers.retrieve(customer.id).balance == -600
    balance = shop.client.v1.customers.balance_transactions.list(customer.id)
    assert [(one.type, one.amount) for one in balance.data] == [
        ("applied_to_invoice", 2900),
        ("applied_to_invoice", -3500),
    ]


def test_prorations_wait_for_the_renewal_unless_billed_at_once(shop: Shop, clock: Any) -> None:
    team, business = shop.price(2900), shop.price(9900, name="Business")
    subscription = shop.subscribe(shop.customer(), team)
    clock.set(NOON + MAY // 2)
    shop.change(subscription, business)
    assert len(shop.invoices(subscription)) == 1
    shop.travel(NOON + MAY + 3600)
    renewal = shop.latest(subscription)
    assert amounts(renewal) == [-1450, 4950, 9900]
    assert (renewal.status, renewal.total) == ("paid", 13_400)
    assert renewal.billing_reason == "subscription_cycle"


def test_without_proration_a_new_price_starts_with_the_next_period(shop: Shop, clock: Any) -> None:
    team, business = shop.price(2900), shop.price(9900, name="Business")
    subscription = shop.subscribe(shop.customer(), team)
    clock.set(NOON + 3 * DAY)
    changed = shop.change(subscription, business, proration_behavior="none")
    assert changed["items"].data[0].price.id == business.id
    assert shop.client.v1.invoice_items.list({"pending": True}).data == []
    shop.travel(NOON + MAY + 3600)
    assert amounts(shop.latest(subscription)) == [9900]


def test_a_credit_is_what_was_paid_not_what_the_price_says(shop: Shop, clock: Any) -> None:
    team, business, free = shop.price(2900), shop.price(9900, name="Business"), shop.price(100)
    subscription = shop.subscribe(shop.customer(), team)
    shop.change(subscription, business, proration_behavior="none")
    clock.set(NOON + MAY // 2)
    shop.change(subscription, free, proration_behavior="always_invoice")
    # Only Team was billed for this period, so half of 2900 comes back, not half of 9900.
    assert amounts(shop.latest(subscription)) == [-1450, 50]


def test_monthly_to_yearly_starts_a_new_year_now_and_bills_it(shop: Shop, clock: Any) -> None:
    monthly, yearly = shop.price(2900), shop.price(29_000, "year")
    subscription = shop.subscribe(shop.customer(), monthly)
    now = NOON + 10 * DAY
    clock.set(now)
    changed = shop.change(subscription, yearly)
    # 21 of 31 days unused: 2900 * 21/31 = 1964.51.. -> 1965
    invoice = shop.latest(subscription)
    assert amounts(invoice) == [-1965, 29_000]
    assert invoice.lines.data[1].description == f"1 {TIMES} Team (at $290.00 / year)"
    assert (invoice.status, invoice.total) == ("paid", 27_035)
    assert changed.billing_cycle_anchor == now
    item = changed["items"].data[0]
    assert (item.current_period_start, item.current_period_end) == (now, now + 365 * DAY)


def test_the_cycle_can_be_restarted_now(shop: Shop, clock: Any) -> None:
    subscription = shop.subscribe(shop.customer(), shop.price(3100))
    clock.set(NOON + 10 * DAY)
    changed = shop.client.v1.subscriptions.update(
        subscription.id, {"billing_cycle_anchor": {"type": "now"}}
    )
    assert changed.billing_cycle_anchor == NOON + 10 * DAY
    # 3100 is 100 a day.
    assert amounts(shop.latest(subscription)) == [-2100, 3100]


def test_from_free_to_paid_starts_a_paid_period(shop: Shop, clock: Any) -> None:
    free, team = shop.price(0, name="Free"), shop.price(2900)
    subscription = shop.subscribe(shop.customer(), free)
    assert shop.latest(subscription).status == "paid"
    assert shop.events("charge.succeeded") == []
    clock.set(NOON + 9 * DAY)
    changed = shop.change(subscription, team)
    assert shop.latest(subscription).total == 2900
    assert changed.billing_cycle_anchor == NOON + 9 * DAY


def test_an_item_can_join_and_leave_in_the_middle_of_a_period(shop: Shop, clock: Any) -> None:
    base, extra = shop.price(3100), shop.price(6200, name="Extra")
    subscription = shop.subscribe(shop.customer(), base)
    clock.set(NOON + 21 * DAY)
    update = shop.client.v1.subscriptions.update
    both = update(
        subscription.id,
        {"items": [{"price": extra.id}], "proration_behavior": "always_invoice"},
    )
    # 10 of 31 days of 6200.
    assert amounts(shop.latest(subscription)) == [2000]
    joined = both["items"].data[1]
    assert joined.current_period_end == NOON + MAY
    clock.set(NOON + 26 * DAY)
    update(
        subscription.id,
        {
            "items": [{"id": joined.id, "deleted": True}],
            "proration_behavior": "always_invoice",
        },
    )
    assert amounts(shop.latest(subscription)) == [-1000]
    with pytest.raises(stripe.InvalidRequestError, match="at least one active plan"):
        update(subscription.id, {"items": [{"id": both["items"].data[0].id, "deleted": True}]})


def test_a_discount_is_part_of_both_sides_of_a_proration(shop: Shop, clock: Any) -> None:
    coupon = shop.client.v1.coupons.create({"percent_off": 50, "duration": "forever"})
    team, business = shop.price(2900), shop.price(9900, name="Business")
    subscription = shop.subscribe(shop.customer(), team, discounts=[{"coupon": coupon.id}])
    assert shop.latest(subscription).total == 1450
    clock.set(NOON + MAY // 2)
    shop.change(subscription, business, proration_behavior="always_invoice")
    # Half of 1450 that was paid, half of 4950 that it costs now.
    assert amounts(shop.latest(subscription)) == [-725, 2475]


def test_the_accepted_quote_holds_a_minute_later(shop: Shop, clock: Any) -> None:
    team, business = shop.price(2900), shop.price(9900, name="Business")
    subscription = shop.subscribe(shop.customer(), team)
    quoted = NOON + 12 * DAY + 12_345
    clock.set(quoted)
    details = {
        "items": [{"id": subscription["items"].data[0].id, "price": business.id}],
        "proration_date": quoted,
        "proration_behavior": "always_invoice",
    }
    preview = preview_of(shop, subscription, details)
    clock.advance(60)
    shop.client.v1.subscriptions.update(subscription.id, details)
    assert summary(shop.latest(subscription)) == summary(preview)


def test_a_proration_date_outside_the_period_is_refused(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer(), shop.price(2900))
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.change(subscription, quantity=2, proration_date=NOON - 1)
    assert refused.value.param == "proration_date"


def preview_of(shop: Shop, subscription: Any, details: dict[str, Any]) -> Any:
    return shop.client.v1.invoices.create_preview(
        {"subscription": subscription.id, "subscription_details": details}
    )


def summary(invoice: Any) -> dict[str, Any]:
    """What a customer is asked to pay, and for what: everything a quote must get right."""
    shown = json.loads(json.dumps(invoice.to_dict(for_json=True), default=str))
    lines = [
        {
            "amount": line["amount"],
            "description": line["description"],
            "discounts": [one["amount"] for one in line["discount_amounts"]],
            "period": line["period"],
            "quantity": line["quantity"],
            "taxes": [one["amount"] for one in line["taxes"]],
        }
        for line in shown["lines"]["data"]
    ]
    totals = ("subtotal", "subtotal_excluding_tax", "total", "total_excluding_tax", "amount_due")
    return {"lines": lines, **{name: shown[name] for name in totals}}


PRICES = ("small", "large", "yearly", "free", "tiered")


@settings(
    max_examples=25,
    deadline=None,
    # The same changes in every run; more of them are tried by raising the number.
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_every_preview_is_the_invoice_that_follows(
    data: st.DataObject, stripe_client: stripe.StripeClient, app: Sandbox, clock: Any
) -> None:
    clock.set(NOON)
    shop = Shop(stripe_client, app)
    subscription, prices = _random_start(shop, data)
    behaviors = st.sampled_from(["always_invoice", "create_prorations", "none"])
    now = NOON
    for _ in range(data.draw(st.integers(1, 3), label="changes")):
        now += data.draw(st.integers(1, 25 * DAY), label="seconds")
        shop.travel(now)
        item = shop.again(subscription)["items"].data[0]
        change: dict[str, Any] = {"id": item.id, "quantity": data.draw(st.integers(0, 40))}
        name = data.draw(st.sampled_from(PRICES))
        if prices[name] != item.price.id:
            change["price"] = prices[name]
        details = {"items": [change], "proration_behavior": data.draw(behaviors)}
        if data.draw(st.booleans(), label="quoted earlier"):
            span = (item.current_period_start, min(now, item.current_period_end))
            details["proration_date"] = data.draw(st.integers(*span))
        preview = preview_of(shop, subscription, details)
        before = len(shop.invoices(subscription))
        changed = shop.client.v1.subscriptions.update(subscription.id, details)
        if len(shop.invoices(subscription)) == before:
            # Until that invoice is final, its part of the customer's balance is not settled.
            now = changed["items"].data[0].current_period_end + 3600
            shop.travel(now)
        assert summary(shop.latest(subscription)) == summary(preview)
    # The next example's time must not play this one's renewals.
    shop.client.v1.subscriptions.cancel(subscription.id)


def _random_start(shop: Shop, data: st.DataObject) -> tuple[Any, dict[str, str]]:
    tiers = [{"up_to": 7, "unit_amount": 333}, {"up_to": "inf", "unit_amount_decimal": "99.95"}]
    prices = {
        "small": shop.price(data.draw(st.integers(1, 9999))).id,
        "large": shop.price(data.draw(st.integers(10_000, 99_999))).id,
        "yearly": shop.price(29_999, "year").id,
        "free": shop.price(0).id,
        "tiered": shop.price(None, billing_scheme="tiered", tiers_mode="volume", tiers=tiers).id,
    }
    terms: dict[str, Any] = {}
    if data.draw(st.booleans(), label="discounted"):
        duration = data.draw(st.sampled_from(["once", "forever"]))
        off = data.draw(st.sampled_from([{"percent_off": 33.3}, {"amount_off": 777}]))
        coupon = shop.client.v1.coupons.create({"duration": duration, "currency": "usd", **off})
        terms["discounts"] = [{"coupon": coupon.id}]
    if data.draw(st.booleans(), label="taxed"):
        rate = shop.client.v1.tax_rates.create(
            {
                "display_name": "VAT",
                "percentage": 19.6,
                "inclusive": data.draw(st.booleans(), label="inclusive"),
            }
        )
        terms["default_tax_rates"] = [rate.id]
    if data.draw(st.booleans(), label="trial"):
        terms["trial_period_days"] = 14
    items = [{"price": prices[data.draw(st.sampled_from(PRICES))], "quantity": 3}]
    customer = shop.customer()
    return (
        shop.client.v1.subscriptions.create({"customer": customer.id, "items": items, **terms}),
        prices,
    )


def test_a_coupon_for_one_invoice_is_used_up_by_the_proration_it_reduces(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer(), shop.price(1000))
    coupon = shop.client.v1.coupons.create({"percent_off": 50, "duration": "once"})
    shop.travel(NOON + MAY // 2)
    shop.change(
        subscription,
        shop.price(3000),
        discounts=[{"coupon": coupon.id}],
        proration_behavior="always_invoice",
    )
    # Half a month of 3000 less half of it, less half a month of 1000.
    assert shop.latest(subscription).total == 750 - 500
    shop.travel(NOON + MAY + 3601)
    assert shop.latest(subscription).total == 3000

"""Renewals over months and years, each on its day, each once."""

from __future__ import annotations

from tests.lives.life import day


def test_a_subscription_from_the_31st_renews_for_thirteen_months_on_the_last_days(life):
    life.clock.set(day(2027, 1, 31))
    life.subscribes("team", seats=2)
    life.until(day(2028, 3, 1))
    assert life.invoices() == [
        (date, "paid", 2 * 4900)
        for date in (
            "2027-01-31",
            "2027-02-28",
            "2027-03-31",
            "2027-04-30",
            "2027-05-31",
            "2027-06-30",
            "2027-07-31",
            "2027-08-31",
            "2027-09-30",
            "2027-10-31",
            "2027-11-30",
            "2027-12-31",
            "2028-01-31",
            "2028-02-29",
        )
    ]
    assert life.charged() == 14 * 9800
    assert "Next charge is $98.00 on 31 March" in life.reads()
    life.mirror_is_right()


def test_a_yearly_and_a_monthly_item_renew_each_on_its_own_day(life):
    subscription_id = life.subscribes("team")
    support = life.stripe.v1.prices.create(
        {
            "product_data": {"name": "Support contract"},
            "currency": "usd",
            "unit_amount": 12000,
            "recurring": {"interval": "year"},
        }
    )
    life.until(day(2026, 12, 1))
    life.stripe.v1.subscription_items.create(
        {
            "subscription": subscription_id,
            "price": support.id,
            "proration_behavior": "always_invoice",
        }
    )
    life.hear()
    life.until(day(2028, 1, 1))
    months = [(2026, 11, 19), (2026, 12, 19), *((2027, month, 19) for month in range(1, 13))]
    # The year of support ends with the twelfth month: from 1 December that is 353 of its 365 days,
    # and 12000 * 353 / 365 = 11605.48.
    expected = {f"{y}-{m:02}-{d}": 4900 for y, m, d in months}
    expected |= {"2026-12-01": 11605, "2027-11-19": 4900 + 12000}
    assert life.invoices() == [(date, "paid", total) for date, total in sorted(expected.items())]
    assert life.charged() == 13 * 4900 + 11605 + 4900 + 12000
    assert "Next charge is $49.00 on 19 January" in life.reads()
    life.mirror_is_right()

"""A renewal that the bank declines, and every way it can end."""

from __future__ import annotations

from tests.lives.life import day


def test_a_new_card_within_grace_brings_everything_back(life):
    life.subscribes("team", seats=8)
    life.saves_card("pm_card_chargeCustomerFail")
    life.until(day(2026, 12, 19, 14))
    assert "Your payment of $392.00 did not go through" in life.reads()
    assert "again on 20 December" in life.reads()
    life.until(day(2026, 12, 20, 10))
    life.saves_card("pm_card_visa")
    life.until(day(2026, 12, 20, 14))
    assert "You are on Team. Next charge is $392.00 on 19 January" in life.reads()
    life.until(day(2027, 1, 20))
    assert life.invoices() == [
        ("2026-11-19", "paid", 39200),
        ("2026-12-19", "paid", 39200),
        ("2027-01-19", "paid", 39200),
    ]
    assert life.charged() == 3 * 39200
    life.mirror_is_right()

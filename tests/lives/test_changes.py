"""Upgrades and downgrades with time passing over them."""

from __future__ import annotations

from tests.lives.life import day


def test_a_downgrade_scheduled_undone_and_scheduled_again_happens_once(life):
    life.subscribes("business")
    life.until(day(2026, 12, 1))
    assert "From 19 December 2026 you have Starter" in life.confirms("/plan-change/starter")
    life.until(day(2026, 12, 5))
    life.sends("/scheduled-change/undo")
    assert "Next charge is $99.00 on 19 December" in life.reads()
    life.until(day(2026, 12, 10))
    life.confirms("/plan-change/starter")
    assert "It changes to Starter on 19 December" in life.reads()
    life.until(day(2027, 1, 20))
    assert life.invoices() == [
        ("2026-11-19", "paid", 9900),
        ("2026-12-19", "paid", 1900),
        ("2027-01-19", "paid", 1900),
    ]
    assert life.charged() == 9900 + 1900 + 1900
    assert "You are on Starter. Next charge is $19.00 on 19 February" in life.reads()
    life.mirror_is_right()


def test_a_declined_upgrade_leaves_everything_as_it_was(life):
    life.subscribes("team")
    visa = life.subscription().default_payment_method
    life.until(day(2026, 12, 4))
    life.saves_card("pm_card_chargeCustomerFail")
    said = life.confirms("/plan-change/business")
    assert "You were not charged" in said
    assert "You are on Team" in life.reads()
    life.sends("/default-payment-method", payment_method=visa)
    life.until(day(2026, 12, 20))
    assert life.invoices() == [("2026-11-19", "paid", 4900), ("2026-12-19", "paid", 4900)]
    assert life.charged() == 2 * 4900
    life.mirror_is_right()

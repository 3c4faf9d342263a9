"""A bank debit is on its way for days, and may come back after a week."""

from __future__ import annotations

from tests.lives.life import day


def test_a_debit_returned_after_a_week_is_owed_again_and_paid_by_card(life):
    life.subscribes("team", seats=2)
    account = life.saves_card("pm_usBankAccount_success")
    life.bank_answers(account, "account_closed")
    life.until(day(2026, 12, 19, 14))
    assert "on its way" in life.reads()
    life.until(day(2026, 12, 25))
    assert "on its way" in life.reads()
    assert life.charged() == 9800
    life.until(day(2026, 12, 27))
    assert "Your payment of $98.00 did not go through." in life.reads()
    life.saves_card("pm_card_visa")
    invoice = life.stripe.v1.invoices.list({"limit": 1}).data[0].id
    page = life.pays(invoice)
    assert "Paid" in page
    assert "You are on Team. Next charge is $98.00 on 19 January" in life.reads()
    assert life.invoices() == [("2026-11-19", "paid", 9800), ("2026-12-19", "paid", 9800)]
    assert life.charged() == 2 * 9800
    life.mirror_is_right()

"""A trial and each of its ends: paid, declined, cancelled."""

from __future__ import annotations

import pytest

from tests.lives.life import day


@pytest.fixture
def trial(life):
    """Two seats of Team, free for 14 days from 19 November, with a Visa; the method's id."""
    life.stripe.v1.products.update("demo_team", {"metadata": {"trial_days": "14"}})
    life.hear()
    life.subscribes("team", seats=2)
    return life.subscription().default_payment_method


def test_a_trial_becomes_paid(life, trial):
    assert "Your trial of Team runs until 3 December. First charge is $98.00" in life.reads()
    life.until(day(2026, 12, 3, 14))
    assert "You are on Team. Next charge is $98.00 on 3 January" in life.reads()
    life.until(day(2027, 1, 4))
    assert life.invoices() == [
        ("2026-11-19", "paid", 0),
        ("2026-12-03", "paid", 9800),
        ("2027-01-03", "paid", 9800),
    ]
    assert life.charged() == 2 * 9800
    life.mirror_is_right()


def test_a_trial_whose_card_is_declined_keeps_what_it_has_while_it_can_be_mended(life, trial):
    life.bank_answers(trial, "insufficient_funds")
    life.until(day(2026, 12, 3, 14))
    page = life.reads()
    assert "Your payment of $98.00 did not go through." in page
    assert "not enough" in page
    assert "again on 4 December" in page
    life.bank_answers(trial, "succeeds")
    life.until(day(2026, 12, 5))
    assert "You are on Team. Next charge is $98.00 on 3 January" in life.reads()
    assert life.invoices() == [("2026-11-19", "paid", 0), ("2026-12-03", "paid", 9800)]
    assert life.charged() == 9800
    life.mirror_is_right()


def test_a_trial_whose_card_is_declined_to_the_end_of_retries_ends_unpaid(life, trial):
    life.bank_answers(trial, "insufficient_funds")
    # Tried from 3 December on, for the last time 14 days later.
    life.until(day(2026, 12, 18))
    page = life.reads()
    assert "Team ended on 17 December. It can no longer be used." in page
    assert "1 invoice is still to be paid, $98.00." in page
    life.until(day(2027, 2, 1))
    assert life.invoices() == [("2026-11-19", "paid", 0), ("2026-12-03", "open", 9800)]
    assert life.charged() == 0
    failed = "Your payment of $98.00 did not go through"
    assert life.mails() == [
        "Your trial of Team ends on 3 December",
        *[failed] * 8,
        "Team has ended",
    ]
    life.mirror_is_right()


def test_a_trial_that_is_cancelled_never_costs_anything(life, trial):
    life.until(day(2026, 11, 25))
    life.sends("/cancellation", feedback="other")
    assert "Your trial of Team ends on 3 December. You are not charged." in life.reads()
    life.until(day(2027, 1, 10))
    assert "Team ended on 3 December" in life.reads()
    assert life.invoices() == [("2026-11-19", "paid", 0)]
    assert life.charged() == 0
    life.mirror_is_right()


def test_a_second_trial_is_not_to_be_had(life, trial):
    life.sends("/cancellation", feedback="other")
    life.until(day(2026, 12, 10))
    life.subscribes("team", seats=2)
    assert life.charged() == 9800
    assert "You are on Team. Next charge is $98.00 on 10 January" in life.reads()
    life.mirror_is_right()

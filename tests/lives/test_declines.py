"""A renewal that the bank declines, and every way it can end."""

from __future__ import annotations

import pytest

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
    receipt, failed = "Your receipt for $392.00", "Your payment of $392.00 did not go through"
    assert life.mails() == [receipt, failed, receipt, receipt]
    life.mirror_is_right()


@pytest.fixture
def declining(life):
    """Eight seats of Team whose Visa has no money from now on; what follows its 8 tries is free."""
    life.subscribes("team", seats=8)
    life.bank_answers(life.subscription().default_payment_method, "insufficient_funds")
    return life


# The renewal of 19 December is tried from 13:00 on, for the last time 14 days later.
LAST_TRY = day(2027, 1, 2, 14)


def test_to_the_end_of_retries_and_cancelled(declining):
    declining.policy(subscription="cancel")
    declining.until(day(2026, 12, 27))
    page = declining.reads()
    assert "Your payment of $392.00 did not go through." in page
    # The renewal failed on the 19th, and grace lasts for seven days.
    assert "Team is read-only since 26 December" in page
    declining.until(LAST_TRY)
    assert "Team ended on 2 January" in declining.reads()
    declining.until(day(2027, 3, 1))
    assert declining.invoices() == [("2026-11-19", "paid", 39200), ("2026-12-19", "open", 39200)]
    (last, _) = declining.stripe.v1.invoices.list().data
    assert (last.attempt_count, last.next_payment_attempt) == (8, None)
    failed = "Your payment of $392.00 did not go through"
    assert declining.mails() == ["Your receipt for $392.00", *[failed] * 8, "Team has ended"]
    assert declining.charged() == 39200
    declining.mirror_is_right()


def test_to_the_end_of_retries_and_unpaid_until_paid(declining):
    declining.policy(subscription="unpaid")
    declining.until(LAST_TRY)
    assert "Team is on hold: $392.00 is unpaid." in declining.reads()
    declining.bank_answers(declining.subscription().default_payment_method, "succeeds")
    invoice = declining.stripe.v1.invoices.list({"limit": 1}).data[0].id
    assert "Paid" in declining.pays(invoice)
    assert "You are on Team. Next charge is $392.00 on 19 January" in declining.reads()
    assert declining.charged() == 2 * 39200
    declining.mirror_is_right()


def test_to_the_end_of_retries_and_left_past_due(declining):
    declining.policy(subscription="past_due")
    declining.until(LAST_TRY)
    page = declining.reads()
    assert "Your payment of $392.00 did not go through." in page
    assert "We do not try again by ourselves." in page
    assert declining.charged() == 39200
    declining.mirror_is_right()


def test_past_due_with_its_invoice_given_up_still_leads_to_paying(declining):
    declining.policy(subscription="past_due", invoice="uncollectible")
    declining.until(LAST_TRY)
    page = declining.reads()
    assert "Your payment of $392.00 did not go through." in page
    assert "Team is read-only since 26 December" in page
    assert "Pay now" in page
    failed = "Your payment of $392.00 did not go through"
    assert declining.mails() == ["Your receipt for $392.00", *[failed] * 8]
    # The next renewal fails as well: what can be used does not come back for another week.
    declining.until(day(2027, 1, 20))
    assert "Team is read-only since 26 December" in declining.reads()
    declining.bank_answers(declining.subscription().default_payment_method, "succeeds")
    for invoice in reversed(declining.stripe.v1.invoices.list({"limit": 2}).data):
        assert "Paid" in declining.pays(invoice.id)
    assert "You are on Team. Next charge is $392.00 on 19 February" in declining.reads()
    assert declining.charged() == 3 * 39200
    declining.mirror_is_right()

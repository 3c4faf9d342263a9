"""A pause over a renewal, and what it costs: nothing while it lasts, the rest afterwards."""

from __future__ import annotations

from tests.lives.life import day


def test_a_pause_across_a_renewal_resumes_on_its_day(life):
    life.subscribes("team", seats=8)
    # Half of the month from 19 November to 19 December is left: 15 of 30 days.
    life.until(day(2026, 12, 4))
    life.sends("/pause", months="1")
    assert "Team is paused since 4 December." in life.reads()
    life.until(day(2027, 1, 4, 11))
    # What was paid for and not used became credit at once.
    assert life.invoices() == [("2026-11-19", "paid", 39200), ("2026-12-04", "paid", -19600)]
    life.until(day(2027, 1, 4, 13))
    assert life.invoices()[2:] == [("2027-01-04", "paid", 39200)]
    assert life.charged() == 39200 + (39200 - 19600)
    assert "You are on Team. Next charge is $392.00 on 4 February" in life.reads()
    life.until(day(2027, 2, 5))
    assert life.invoices()[3:] == [("2027-02-04", "paid", 39200)]
    assert life.charged() == 39200 + 19600 + 39200
    assert life.mails() == [
        "Your receipt for $392.00",
        "Team is paused",
        "Team runs again",
        "Your receipt for $196.00",
        "Your receipt for $392.00",
    ]
    life.mirror_is_right()

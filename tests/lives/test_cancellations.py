"""Leaving, changing one's mind, leaving for good, coming back."""

from __future__ import annotations

from tests.lives.life import day


def test_cancel_undo_cancel_end_and_subscribe_again(life):
    first = life.subscribes("team", seats=3)
    life.until(day(2026, 11, 25))
    assert "ends on 19 December 2026" in life.sends("/cancellation", feedback="unused")
    life.until(day(2026, 11, 28))
    assert "Team goes on" in life.sends("/cancellation/undo")
    life.until(day(2026, 12, 22))
    assert "Next charge is $147.00 on 19 January" in life.reads()
    life.sends("/cancellation", feedback="too_expensive")
    life.until(day(2027, 1, 18))
    assert "Team ends on 19 January. You are not charged again." in life.reads()
    life.until(day(2027, 1, 20))
    assert "Team ended on 19 January" in life.reads()
    life.until(day(2027, 3, 3))
    assert life.charged() == 2 * 3 * 4900
    second = life.subscribes("starter")
    assert second != first
    assert "You are on Starter. Next charge is $19.00 on 3 April" in life.reads()
    assert life.invoices() == [
        ("2026-11-19", "paid", 14700),
        ("2026-12-19", "paid", 14700),
        ("2027-03-03", "paid", 1900),
    ]
    assert life.mails() == [
        "Your receipt for $147.00",
        "Team ends on 19 December 2026",
        "Team goes on",
        "Your receipt for $147.00",
        "Team ends on 19 January 2027",
        "Team has ended",
        "Your receipt for $19.00",
    ]
    # 3 seats of Team twice, one of Starter.
    assert life.charged() == 2 * 14700 + 1900
    life.mirror_is_right()

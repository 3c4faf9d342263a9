"""3-D Secure in its three places: at sign-up, at an upgrade, on a renewal."""

from __future__ import annotations

from tests.lives.life import day

ASKS = "4000002760003184"


def test_at_sign_up_upgrade_and_renewal(life):
    life.subscribes_with_bank("team", card=ASKS)
    assert "You are on Team. Next charge is $49.00 on 19 December" in life.reads()

    life.until(day(2026, 12, 4))
    said = life.confirms("/plan-change/business")
    assert "Your bank asks you to confirm this payment. You were not charged yet" in said
    assert life.charged() == 4900
    life.answers_bank()
    life.hear()
    # Half a month at 99.00 less half a month at 49.00.
    assert "You are on Business. Next charge is $99.00 on 19 December" in life.reads()
    assert life.charged() == 4900 + 2500

    life.until(day(2026, 12, 19, 14))
    assert "Your bank asks you to confirm the payment of $99.00." in life.reads()
    life.answers_bank()
    life.hear()
    assert "You are on Business. Next charge is $99.00 on 19 January" in life.reads()
    assert life.invoices() == [
        ("2026-11-19", "paid", 4900),
        ("2026-12-04", "paid", 2500),
        ("2026-12-19", "paid", 9900),
    ]
    assert life.charged() == 4900 + 2500 + 9900
    assert life.mails() == [
        "Your receipt for $49.00",
        "Your receipt for $25.00",
        "You are on Business now",
        "Please confirm $99.00 with your bank",
        "Your receipt for $99.00",
    ]
    life.mirror_is_right()

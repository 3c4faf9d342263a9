"""A price rises while people live on: told in time, charged from their day on, or kept."""

from __future__ import annotations

import re

from models import Price, db
from tests.lives.life import day
from tests.quote_page import text_of

STAFF = "mira@tidewater.example"


def raise_team(life, mira, *, rule: str, named: str = "", notice_days: str = "30") -> int:
    """Mira raises Team from $49 to $54; the change's number."""
    with life.app.app_context():
        price = db.session.query(Price.stripe_id).filter_by(lookup_key="demo_team_month").scalar()
    typed = {"amount_usd": "54", "amount_eur": "49.50", "amount_jpy": "8200"}
    there = mira.post(f"/admin/price-changes/new/{price}", data=typed).location
    choice = {"rule": rule, "notice_days": notice_days, "currency": "", "named": named}
    assert mira.post(there, data=choice).status_code == 303
    page = mira.get(f"{there}/confirmation")
    seen = re.search(r'name="seen" value="(\w+)"', page.text)
    assert seen, text_of(page)
    mira.post(f"{there}/confirmation", data={"seen": seen[1]})
    life.hear()
    return int(there.rsplit("/", 1)[1])


def test_a_rise_is_told_a_month_ahead_and_charged_from_the_renewal_on(life):
    life.clock.set(day(2027, 1, 10))
    life.subscribes("team", seats=8)
    life.until(day(2027, 2, 1))
    raise_team(life, life.people.staff_member(STAFF, "admin"), rule="renewal")
    # Thirty days from 1 February is 3 March: the first renewal after that is 10 March.
    assert "Your price changes to $54 a seat on 10 March" in life.reads()
    life.until(day(2027, 2, 8, 11))
    assert not [one for one in life.mails() if "from 10 March" in one]
    life.until(day(2027, 2, 8, 13))
    told = "Team costs $54 a seat a month from 10 March 2027"
    assert life.mails().count(told) == 1
    mail = next(one for one in life.mailbox if one.subject == told)
    words = re.sub(r"\s+", " ", mail.body)
    assert "Team costs you $49 a seat a month now." in words
    assert "From 10 March 2027 it is $54 a seat a month." in words
    sums = "For all of it, until then: $392.00 a month For all of it, from then on: $432.00 a month"
    assert sums in words
    assert "cancel before 10 March 2027" in words
    life.until(day(2027, 5, 1))
    assert life.invoices() == [
        ("2027-01-10", "paid", 8 * 4900),
        ("2027-02-10", "paid", 8 * 4900),
        ("2027-03-10", "paid", 8 * 5400),
        ("2027-04-10", "paid", 8 * 5400),
    ]
    assert life.charged() == 2 * 8 * 4900 + 2 * 8 * 5400
    # Nothing tells of a change of plan, which this was not.
    assert not [one for one in life.mails() if "plan" in one]
    assert life.mails().count(told) == 1
    assert "You are on Team. Next charge is $432.00 on 10 May" in life.reads()
    life.mirror_is_right()


def test_who_is_kept_renews_at_the_old_price_for_good_and_changes_seats_at_it(life):
    life.subscribes("team", seats=8)
    raise_team(life, life.people.staff_member(STAFF, "admin"), rule="keep")
    life.until(day(2026, 12, 20))
    life.confirms("/seats?seats=4", seats="4")
    life.until(day(2027, 2, 20))
    assert life.invoices() == [
        ("2026-11-19", "paid", 8 * 4900),
        ("2026-12-19", "paid", 8 * 4900),
        ("2027-01-19", "paid", 4 * 4900),
        ("2027-02-19", "paid", 4 * 4900),
    ]
    assert "$49.00 a seat a month" in life.reads()
    life.mirror_is_right()


def test_on_one_date_paid_periods_stay_paid_and_the_next_charge_is_the_new_one(life):
    life.subscribes("team", seats=2)
    mira = life.people.staff_member(STAFF, "admin")
    with life.app.app_context():
        price = db.session.query(Price.stripe_id).filter_by(lookup_key="demo_team_month").scalar()
    typed = {"amount_usd": "54", "amount_eur": "49.50", "amount_jpy": "8200"}
    there = mira.post(f"/admin/price-changes/new/{price}", data=typed).location
    choice = {"rule": "date", "starts_on": "2027-01-01", "notice_days": "30", "currency": ""}
    assert mira.post(there, data=choice).status_code == 303
    page = mira.get(f"{there}/confirmation")
    seen = re.search(r'name="seen" value="(\w+)"', page.text)
    mira.post(f"{there}/confirmation", data={"seen": seen[1]})
    life.hear()
    charges = life.reads("/upcoming-charges")
    assert "19 Dec 2026" in charges
    first = "19 Jan 2027 Team, monthly · 2 seats The first at the new price, $54 a seat. $108.00"
    assert first in charges
    life.until(day(2027, 3, 1))
    assert life.invoices() == [
        ("2026-11-19", "paid", 2 * 4900),
        ("2026-12-19", "paid", 2 * 4900),
        ("2027-01-19", "paid", 2 * 5400),
        ("2027-02-19", "paid", 2 * 5400),
    ]
    assert life.mails().count("Team costs $54 a seat a month from 1 January 2027") == 1
    life.mirror_is_right()


def test_a_life_of_changes_around_the_move_is_charged_right_to_the_end(life):
    """Seats added, a pause over the day itself, and the move comes after all, once."""
    life.subscribes("team", seats=2)
    raise_team(life, life.people.staff_member(STAFF, "admin"), rule="renewal")
    assert "Your price changes to $54 a seat on 19 December" in life.reads()
    life.until(day(2026, 12, 4))
    life.confirms("/seats?seats=4", seats="4")
    # Half of the month for two more seats, at the price of the month.
    assert life.invoices()[1:] == [("2026-12-04", "paid", 4900)]
    assert "Your price changes to $54 a seat on 19 December" in life.reads()
    life.sends("/pause", months="1")
    life.until(day(2027, 1, 4, 13))
    assert life.invoices()[-1] == ("2027-01-04", "paid", 4 * 4900)
    assert "Your price changes to $54 a seat on 4 February" in life.reads()
    life.until(day(2027, 3, 5))
    assert life.invoices()[-2:] == [
        ("2027-02-04", "paid", 4 * 5400),
        ("2027-03-04", "paid", 4 * 5400),
    ]
    life.mirror_is_right()


def test_a_failed_payment_is_no_reason_to_stay_and_what_is_open_stays_as_it_was(life):
    life.subscribes("team", seats=2)
    good = life.subscription().default_payment_method
    bad = life.saves_card("pm_card_chargeCustomerFail")
    life.until(day(2026, 12, 20))
    assert life.subscription().status == "past_due"
    raise_team(life, life.people.staff_member(STAFF, "admin"), rule="renewal", notice_days="20")
    life.sends("/default-payment-method", payment_method=good)
    life.bank_answers(bad, "succeeds")
    life.until(day(2027, 2, 1))
    assert life.invoices() == [
        ("2026-11-19", "paid", 2 * 4900),
        ("2026-12-19", "paid", 2 * 4900),
        ("2027-01-19", "paid", 2 * 5400),
    ]
    life.mirror_is_right()

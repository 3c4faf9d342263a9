"""Adding and removing seats, by the front door.

Team is $49 a seat a month, at most 25. On 4 December at noon half of the month is left.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.quote_page import (
    OWNER,
    accept,
    after,
    at_stripe,
    in_mirror,
    invoices_of,
    offers_quote,
    pass_time,
    pull,
    quote_in,
    row_of,
    text_of,
    use_card,
)

INVOICED = datetime(2026, 12, 19, 14, 0, tzinfo=UTC)


@pytest.fixture
def owner(team, people):
    return people.sign_in(OWNER)


def test_the_page_asks_for_a_number_and_asks_stripe_nothing(owner, stripe_calls):
    before = len(stripe_calls)
    page = owner.get("/seats")
    assert "Team has 8 seats now." in text_of(page)
    assert 'value="8"' in page.get_data(as_text=True)
    assert not offers_quote(page)
    assert len(stripe_calls) == before


def test_added_seats_are_quoted_and_charged_at_once(owner, team, stripe, app):
    # Four seats for half a month: 4 * 24.50; then 12 * 49.
    page = owner.get("/seats?seats=12")
    assert "Add 4 seats" in text_of(page)
    assert row_of(page, "Due today, Visa ending 4242") == "$98.00"
    assert row_of(page, "From 19 December 2026, every month") == "$588.00"
    answer = owner.post("/seats", data={"quote": quote_in(page), "seats": "12"})
    assert "$98.00 was charged." in after(owner, answer)
    assert at_stripe(stripe, team) == ("demo_team_month", 12)
    assert in_mirror(app, team) == ("demo_team_month", 12)
    assert invoices_of(stripe, team) == [("paid", 9800), ("paid", 39200)]


def test_removed_seats_stay_until_the_end_of_the_period(owner, team, stripe, clock, sandbox):
    page = owner.get("/seats?seats=5")
    assert "Remove 3 seats" in text_of(page)
    assert "You would lose 3 seats on 19 December 2026." in text_of(page)
    assert row_of(page, "Today") == "$0.00"
    assert row_of(page, "From 19 December 2026") == "$245.00"
    answer = owner.post("/seats", data={"quote": quote_in(page), "seats": "5"})
    assert "19 December" in after(owner, answer)
    assert at_stripe(stripe, team) == ("demo_team_month", 8)
    pass_time(sandbox, clock, INVOICED)
    assert at_stripe(stripe, team) == ("demo_team_month", 5)
    assert invoices_of(stripe, team) == [("paid", 24500), ("paid", 39200)]


def test_a_senseless_number_is_refused_and_kept(owner, team, stripe):
    for typed in ("0", "-1", "26", "9" * 60, "many", "2.5", ""):
        for page in (
            owner.get("/seats", query_string={"seats": typed}),
            owner.post("/seats", data={"seats": typed}),
        ):
            assert page.status_code == 422
            assert "Enter a whole number from 1 to 25." in text_of(page)
            assert f'value="{typed}"' in page.get_data(as_text=True)
    assert at_stripe(stripe, team) == ("demo_team_month", 8)


def test_a_quote_for_some_seats_does_not_buy_more(owner, team, stripe):
    quote_id = quote_in(owner.get("/seats?seats=9"))
    answer = owner.post("/seats", data={"quote": quote_id, "seats": "20"})
    assert "Nothing was changed and you were not charged." in after(owner, answer)
    assert at_stripe(stripe, team) == ("demo_team_month", 8)


def test_the_number_one_has_needs_no_quote(owner):
    page = owner.get("/seats?seats=8")
    assert "There is nothing to change." in text_of(page)
    assert not offers_quote(page)


def test_a_declined_card_adds_no_seat(owner, team, stripe, app):
    use_card(app, stripe, team, "pm_card_chargeCustomerFail")
    page = accept(owner, "/seats?seats=12", seats="12")
    assert page.status_code == 402
    assert "You stay on Team with 8 seats; nothing was changed." in text_of(page)
    assert at_stripe(stripe, team) == ("demo_team_month", 8)


def test_seats_keep_the_price_they_were_bought_at_even_when_it_is_no_longer_sold(
    owner, team, stripe, app, clock, sandbox
):
    old = stripe.v1.subscriptions.retrieve(team)["items"].data[0].price.id
    stripe.v1.prices.update(old, {"active": False})
    pull(app, "price", old)
    page = owner.get("/seats?seats=12")
    assert row_of(page, "Due today") == "$98.00"
    owner.post("/seats", data={"quote": quote_in(page), "seats": "12"})
    (item,) = stripe.v1.subscriptions.retrieve(team)["items"].data
    assert (item.price.id, item.quantity) == (old, 12)
    # Fewer of them, at the end of the period, keep it as well.
    accept(owner, "/seats?seats=5", seats="5")
    schedule = stripe.v1.subscription_schedules.retrieve(
        stripe.v1.subscriptions.retrieve(team).schedule
    )
    assert [(p["items"][0].price, p["items"][0].quantity) for p in schedule.phases] == [
        (old, 12),
        (old, 5),
    ]
    pass_time(sandbox, clock, INVOICED)
    assert at_stripe(stripe, team) == ("demo_team_month", 5)


def test_a_plan_without_seats_has_no_such_page(people, subscribe):
    owner = people.owner()
    subscribe("Northwind", "starter")
    assert owner.get("/seats").status_code == 404
    assert owner.post("/seats", data={"seats": "3"}).status_code == 404


def test_when_stripe_is_down_the_page_shows_the_list_price(owner, stripe_is_down):
    stripe_is_down()
    page = owner.get("/seats?seats=12")
    assert page.status_code == 200
    assert "We cannot work out the exact cost right now." in text_of(page)
    assert row_of(page, "Team, 12 seats, every month") == "$588.00"


def test_only_owners_and_billing_change_seats(team, people, client, catalog):
    assert "/login" in client.get("/seats").headers["Location"]
    people.join("viewer@northwind.example", role="viewer")
    viewer = people.sign_in("viewer@northwind.example")
    assert viewer.get("/seats").status_code == 403
    assert viewer.post("/seats", data={"seats": "3"}).status_code == 403


def test_without_a_subscription_there_are_plans_to_choose(people, catalog):
    owner = people.owner()
    for answer in (owner.get("/seats"), owner.post("/seats", data={"seats": "3"})):
        assert answer.headers["Location"].endswith("/plans")


def test_in_a_trial_seats_change_at_once_and_nothing_is_charged(people, subscribe, stripe):
    owner = people.owner()
    trial = subscribe("Northwind", "team", quantity=3, trial_period_days=14)
    for seats in ("6", "2"):
        page = owner.get(f"/seats?seats={seats}")
        assert "Your trial goes on until 3 December 2026" in text_of(page)
        assert row_of(page, "Today") == "$0.00"
        owner.post("/seats", data={"quote": quote_in(page), "seats": seats})
        assert at_stripe(stripe, trial) == ("demo_team_month", int(seats))
    assert invoices_of(stripe, trial) == [("paid", 0)]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("past_due", "First, your open invoice"),
        ("paused", "Resume it first; you see what that costs"),
        ("collection_paused", "Your payments are on hold"),
        ("ending", "Keep it first; then you can change it."),
    ],
)
def test_what_stands_in_the_way_is_named_with_the_way_round_it(
    owner, team, stripe, app, clock, sandbox, state, words, people
):
    if state == "past_due":
        use_card(app, stripe, team, "pm_card_chargeCustomerFail")
        pass_time(sandbox, clock, INVOICED)
        newest = stripe.v1.subscriptions.retrieve(team).latest_invoice
        pull(app, "invoice", newest)
        owner = people.sign_in(OWNER)
    elif state == "paused":
        stripe.v1.subscriptions.pause(team)
    elif state == "collection_paused":
        stripe.v1.subscriptions.update(team, {"pause_collection": {"behavior": "void"}})
    else:
        stripe.v1.subscriptions.update(team, {"cancel_at_period_end": True})
    pull(app, "subscription", team)
    page = owner.get("/seats?seats=12")
    assert words in text_of(page)
    assert not offers_quote(page)
    assert at_stripe(stripe, team) == ("demo_team_month", 8)


def test_of_two_tabs_only_the_one_whose_figures_still_hold_is_charged(owner, team, stripe):
    first = quote_in(owner.get("/seats?seats=10"))
    second = quote_in(owner.get("/seats?seats=12"))
    owner.post("/seats", data={"quote": first, "seats": "10"})
    answer = owner.post("/seats", data={"quote": second, "seats": "12"})
    said = after(owner, answer)
    assert "Nothing was changed and you were not charged." in said
    # What it costs from where one stands now: two more, half a month.
    assert "$49.00" in said
    assert at_stripe(stripe, team) == ("demo_team_month", 10)
    assert invoices_of(stripe, team) == [("paid", 4900), ("paid", 39200)]


def test_an_expired_quote_is_shown_afresh_before_anything_is_charged(owner, team, stripe, clock):
    quote_id = quote_in(owner.get("/seats?seats=12"))
    clock.advance(minutes=31)
    answer = owner.post("/seats", data={"quote": quote_id, "seats": "12"})
    assert answer.headers["Location"].endswith("/seats?seats=12")
    assert "Here is what the change costs now" in after(owner, answer)
    assert at_stripe(stripe, team) == ("demo_team_month", 8)


def test_more_seats_than_a_smaller_plan_has_are_said_to_be_lost(owner, team, stripe, app):
    stripe.v1.products.update("demo_business", {"metadata": {"max_seats": "5"}})
    pull(app, "product", "demo_business")
    page = owner.get("/plan-change/business")
    assert "You would lose 3 seats" in text_of(page)
    assert 'value="5"' in page.text
    too_many = owner.get("/plan-change/business?seats=8")
    assert too_many.status_code == 422
    assert "Enter a whole number from 1 to 5." in text_of(too_many)

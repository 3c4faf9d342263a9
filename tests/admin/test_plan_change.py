"""Plan and seats changed by staff: charged exactly as quoted, when they chose."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from models import QuoteDifference, db
from tests.quote_page import at_stripe, invoices_of, pass_time, quote_in, row_of, use_card
from tests.staff import agreed, words


@pytest.fixture
def path(desk):
    return desk.path("plan-change")


def price(stripe, key):
    return stripe.v1.prices.list({"lookup_keys": [key]}).data[0].id


def test_more_seats_now_are_charged_as_quoted_and_once(desk, stripe, path, team, app):
    page = desk.look(path, price=price(stripe, "demo_team_month"), seats="12", when="now")
    assert row_of(page, "Due today, Visa ending 4242") == "$98.00"
    assert "Charge $98.00 and change" in words(page)
    form = agreed(page)
    for _ in range(2):
        answer = desk.press(path, form)
        assert "It is Team with 12 seats now. $98.00 was charged." in words(
            desk.browser.get(answer.location)
        )
    assert at_stripe(stripe, team) == ("demo_team_month", 12)
    assert invoices_of(stripe, team) == [("paid", 9800), ("paid", 39200)]
    with app.app_context():
        assert db.session.query(QuoteDifference).count() == 0
    ((before, after, account_id),) = desk.audited("seats.changed")
    assert (before["quantity"], after["quantity"], account_id) == (8, 12, desk.number)


def test_more_seats_without_charging_the_rest_of_the_period(
    desk, stripe, path, team, clock, sandbox
):
    team_price = price(stripe, "demo_team_month")
    page = desk.look(path, price=team_price, seats="12", when="now", difference="free")
    assert row_of(page, "From 19 December 2026, every month") == "$588.00"
    answer = desk.press(path, agreed(page))
    assert "Nothing was charged." in words(desk.browser.get(answer.location))
    assert at_stripe(stripe, team) == ("demo_team_month", 12)
    assert invoices_of(stripe, team) == [("paid", 39200)]
    pass_time(sandbox, clock, datetime(2026, 12, 19, 14, 0, tzinfo=UTC))
    assert invoices_of(stripe, team)[0] == ("paid", 58800)


def test_fewer_seats_now_become_credit(desk, stripe, path, team):
    page = desk.look(path, price=price(stripe, "demo_team_month"), seats="4", when="now")
    assert "They lose 4 seats." in words(page)
    assert row_of(page, "Kept as credit for your next invoices") == "$98.00"
    desk.press(path, agreed(page))
    assert at_stripe(stripe, team) == ("demo_team_month", 4)
    customer = stripe.v1.subscriptions.retrieve(team).customer
    assert stripe.v1.customers.retrieve(customer).balance == -9800


def test_a_dearer_plan_can_wait_for_the_end_of_the_period_and_be_dropped(
    desk, stripe, path, team, clock, sandbox
):
    business = price(stripe, "demo_business_month")
    said = desk.do(path, price=business, seats="8", when="period_end")
    assert "From 19 December 2026 it is Business with 8 seats. Nothing changes today." in said
    assert at_stripe(stripe, team) == ("demo_team_month", 8)
    assert "A change is scheduled: Business, 8 seats, on 19 December 2026." in words(
        desk.look(path)
    )
    answer = desk.browser.post(f"{path}/drop")
    assert "The scheduled change is dropped." in words(desk.browser.get(answer.location))
    desk.do(path, price=business, seats="8", when="period_end")
    pass_time(sandbox, clock, datetime(2026, 12, 19, 14, 0, tzinfo=UTC))
    assert at_stripe(stripe, team) == ("demo_business_month", 8)


def test_a_declined_card_changes_nothing(desk, stripe, path, team, app):
    use_card(app, stripe, team, "pm_card_chargeCustomerFail")
    page = desk.look(path, price=price(stripe, "demo_team_month"), seats="12", when="now")
    answer = desk.press(path, agreed(page))
    assert answer.status_code == 402
    assert "The payment did not go through." in words(answer)
    assert at_stripe(stripe, team) == ("demo_team_month", 8)


def test_what_the_bank_wants_confirmed_leads_to_a_link_for_the_customer(
    desk, stripe, path, team, app
):
    use_card(app, stripe, team, "pm_card_threeDSecure2Required")
    page = desk.look(path, price=price(stripe, "demo_team_month"), seats="12", when="now")
    answer = desk.press(path, agreed(page))
    assert "payment-link?invoice=in_" in answer.location
    assert "The bank wants the customer to confirm the payment." in words(
        desk.browser.get(answer.location)
    )
    assert at_stripe(stripe, team) == ("demo_team_month", 8)


def test_a_quote_of_the_subscribers_own_is_not_for_staff(desk, people, stripe, path, team):
    theirs = quote_in(people.sign_in("ada@northwind.example").get("/seats?seats=12"))
    answer = desk.press(path, {"quote": theirs})
    assert "That quote no longer holds" in words(desk.browser.get(answer.location))
    assert at_stripe(stripe, team) == ("demo_team_month", 8)


def test_a_quote_that_is_true_no_longer_is_made_anew(desk, stripe, path, team):
    team_price = price(stripe, "demo_team_month")
    form = agreed(desk.look(path, price=team_price, seats="12", when="now"))
    item = stripe.v1.subscriptions.retrieve(team)["items"].data[0].id
    stripe.v1.subscription_items.update(item, {"quantity": 10})
    answer = desk.press(path, form)
    said = words(desk.browser.get(answer.location))
    assert "That quote no longer holds, and nothing was changed. Here is a new one." in said
    assert at_stripe(stripe, team) == ("demo_team_month", 10)


@pytest.mark.parametrize(
    ("filled_in", "said"),
    [
        ({"seats": "26"}, "Team has from 1 to 25 seats"),
        ({"seats": "x"}, "Team has from 1 to 25 seats"),
        ({"seats": "8", "price": "price_none"}, "Not a valid choice."),
    ],
)
def test_what_makes_no_sense_is_said_at_its_field(desk, stripe, path, filled_in, said):
    page = desk.look(
        path, **{"price": price(stripe, "demo_team_month"), "when": "now", **filled_in}
    )
    assert page.status_code == 422
    assert said in words(page)


def test_without_stripe_there_is_no_quote_and_no_button(desk, stripe, path, stripe_is_down):
    team_price = price(stripe, "demo_team_month")
    stripe_is_down()
    page = desk.look(path, price=team_price, seats="12", when="now")
    assert "Stripe does not answer, so the exact cost is not known." in words(page)
    assert 'name="quote"' not in page.get_data(as_text=True)

"""Price changes before they happen: amounts typed, everybody rehearsed, confirmed once."""

from __future__ import annotations

import csv
import io

import pytest

from models import AuditEntry, Price, PriceChange, db
from tests.quote_page import text_of


@pytest.fixture
def four(changing):
    """Contoso with 25 seats, Northwind with 8, Fabrikam with 12 at 20% off, Litware with 4."""
    changing.stripe.v1.coupons.create(
        {"id": "twenty", "percent_off": 20, "duration": "repeating", "duration_in_months": 4}
    )
    return {
        "Contoso": changing.subscriber("Contoso", quantity=25),
        "Northwind": changing.subscriber("Northwind", quantity=8),
        "Fabrikam": changing.subscriber("Fabrikam", quantity=12, discounts=[{"coupon": "twenty"}]),
        "Litware": changing.subscriber("Litware", quantity=4),
    }


def test_the_rehearsal_shows_each_subscriber_before_and_after_and_asks_stripe_nothing(
    changing, four, stripe_calls
):
    number = changing.draft()
    before = len(stripe_calls)
    page = changing.page(number)
    assert len(stripe_calls) == before
    assert "Raise Team from $49 to $54 a seat" in page
    assert "Nothing has happened yet. This is what would." in page
    assert "Contoso 25 $1,225.00 $1,350.00 19 Dec 2026" in page
    assert "Fabrikam 20% off until 19 March 2027 12 $470.40 $518.40 19 Dec 2026" in page
    # 49 seats at $5 more, twelve of them at 80%: 37 * 5 + 12 * 4 = 233.
    assert "+ $233.00 $2,283.40 → $2,516.40" in page
    assert "Largest rise $125.00 a month, Contoso, 25 seats" in page
    assert "Need a look 1 1 discount" in page


# Amounts ------------------------------------------------------------------------------------


def typed(changing, **amounts):
    data = {"amount_usd": "54", "amount_eur": "49.50", "amount_jpy": "8200", **amounts}
    return changing.mira.post(f"/admin/price-changes/new/{changing.price()}", data=data)


@pytest.mark.parametrize(
    ("amounts", "said"),
    [
        ({"amount_usd": "fifty"}, "New amount in USD"),
        ({"amount_usd": ""}, "Enter the new amount."),
        ({"amount_usd": "0"}, "A price of nothing is another plan."),
        ({"amount_usd": "54.001"}, "USD has 2 decimals"),
        ({"amount_jpy": "8200.5"}, "JPY has no decimals"),
        ({"amount_usd": "0.10"}, "Stripe charges no less than $0.50"),
        (
            {"amount_usd": "49", "amount_eur": "45", "amount_jpy": "7400"},
            "These are the amounts it has. Change one at least.",
        ),
    ],
)
def test_what_is_no_amount_is_said_at_its_field_and_nothing_typed_is_lost(changing, amounts, said):
    answer = typed(changing, **amounts)
    assert answer.status_code == 422
    assert said in text_of(answer)
    for value in amounts.values():
        assert f'value="{value}"' in answer.text
    with changing.app.app_context():
        assert db.session.query(PriceChange).count() == 0


def test_dinars_have_three_decimals_of_which_the_last_is_zero(changing):
    price = changing.stripe.v1.prices.create(
        {
            "product": "demo_team",
            "currency": "kwd",
            "unit_amount": 15000,
            "recurring": {"interval": "month"},
        }
    )
    changing.pull("price", price.id)
    url = f"/admin/price-changes/new/{price.id}"
    assert 'value="15.000"' in changing.mira.get(url).text
    assert changing.mira.post(url, data={"amount_kwd": "16.505"}).status_code == 422
    there = changing.mira.post(url, data={"amount_kwd": "16.500"}).location
    assert "Raise Team from KWD 15 to KWD 16.500 a seat" in text_of(
        changing.mira.get(there)
    ).replace("\xa0", " ")
    with changing.app.app_context():
        assert db.session.query(PriceChange).one().new_amounts == {"kwd": 16500}


@pytest.mark.parametrize(
    ("params", "said"),
    [
        (
            {
                "billing_scheme": "tiered",
                "tiers_mode": "graduated",
                "tiers": [{"up_to": 10, "unit_amount": 500}, {"up_to": "inf", "unit_amount": 400}],
                "recurring": {"interval": "month"},
            },
            "It is sold in tiers",
        ),
        (
            {"unit_amount_decimal": "0.5", "recurring": {"interval": "month"}},
            "It has fractions of a cent",
        ),
        ({"unit_amount": 500}, "It is paid once"),
    ],
)
def test_a_price_that_cannot_be_changed_here_says_why_and_how_it_is_done(changing, params, said):
    price = changing.stripe.v1.prices.create({"product": "demo_team", "currency": "usd", **params})
    changing.pull("price", price.id)
    url = f"/admin/price-changes/new/{price.id}"
    for answer in (changing.mira.get(url), changing.mira.post(url)):
        assert answer.status_code == 409
        assert said in text_of(answer)
        assert "Nothing was changed." in text_of(answer)


def test_a_price_or_a_change_that_is_not_there_is_not_found(changing):
    for url in ("new/price_x", "987", "987/confirmation", "987/subscribers.csv", "987/moves.csv"):
        assert changing.mira.get(f"/admin/price-changes/{url}").status_code == 404


# Who moves ----------------------------------------------------------------------------------


def names_moving(changing, number):
    answer = changing.mira.get(f"/admin/price-changes/{number}/subscribers.csv")
    rows = csv.DictReader(io.StringIO(answer.text))
    return {row["account"] for row in rows if row["moves_on"]}


@pytest.mark.parametrize(
    ("choice", "moving"),
    [
        ({"seats_from": "9"}, {"Contoso", "Fabrikam"}),
        ({"seats_to": "8"}, {"Northwind", "Litware"}),
        ({"without_coupon": "y"}, {"Contoso", "Northwind", "Litware"}),
        ({"named": "contoso\nLitware"}, {"Contoso", "Litware"}),
        ({"subscribed_before": "2026-11-19"}, set()),
        ({"subscribed_from": "2026-11-19"}, {"Contoso", "Northwind", "Fabrikam", "Litware"}),
        ({"currency": "eur"}, set()),
        ({"rule": "keep"}, set()),
    ],
)
def test_only_some_of_them_move(changing, four, choice, moving):
    number = changing.draft()
    assert changing.choose(number, **choice).status_code == 303
    assert names_moving(changing, number) == moving


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"rule": "date"}, "Choose the date."),
        ({"rule": "date", "starts_on": "2026-12-01"}, "the first day is 19 December 2026"),
        ({"starts_on": "2026-11-19"}, "Choose a day after today."),
        ({"notice_days": ""}, "Say how many days before it they are told."),
        ({"notice_days": "366"}, "Enter a whole number from 0 to 365."),
        ({"seats_from": "9", "seats_to": "8"}, "less than the seats from which it begins"),
        ({"named": "Contosso"}, "Nobody with this price is called Contosso."),
        ({"rule": "whenever"}, "Not a valid choice"),
    ],
)
def test_a_choice_that_makes_no_sense_is_said_at_its_field(changing, four, choice, said):
    number = changing.draft()
    answer = changing.choose(number, **choice)
    assert answer.status_code == 422
    assert said in text_of(answer)


def test_the_file_has_everybody_with_amounts_as_decimals(changing, four):
    number = changing.draft()
    answer = changing.mira.get(f"/admin/price-changes/{number}/subscribers.csv")
    rows = {row["account"]: row for row in csv.DictReader(io.StringIO(answer.text))}
    assert rows.keys() == four.keys()
    fabrikam = rows["Fabrikam"]
    assert (fabrikam["each_period_now"], fabrikam["each_period_then"]) == ("470.40", "518.40")
    assert (fabrikam["seats"], fabrikam["currency"], fabrikam["notes"]) == ("12", "USD", "discount")
    assert fabrikam["subscription_id"] == four["Fabrikam"]


# Confirming ---------------------------------------------------------------------------------


def test_the_confirmation_has_the_exact_numbers_and_happens_once(changing, four, app):
    number = changing.draft()
    changing.choose(number)
    page = changing.page(number, "/confirmation")
    assert "Will move to the new one 4" in page
    assert "First of them 19 December 2026" in page
    assert "$2,283.40 → $2,516.40 (+ $233.00)" in page
    url = f"/admin/price-changes/{number}/confirmation"
    assert changing.confirm(number).location.endswith(f"/admin/price-changes/{number}")
    # A second click, and another tab.
    assert changing.mira.post(url, data={"seen": "x"}).status_code == 303
    assert len(changing.moves(number)) == 4
    with app.app_context():
        entries = db.session.query(AuditEntry).filter_by(action="price_change.confirmed").all()
        assert [entry.after["moving"] for entry in entries] == [4]
        assert entries[0].user.email == "mira@tidewater.example"
    made = changing.stripe.v1.prices.list({"product": "demo_team", "limit": 100}).data
    assert len([one for one in made if one.unit_amount == 5400]) == 1


def test_numbers_that_changed_since_they_were_read_are_shown_again(changing, four):
    number = changing.draft()
    changing.choose(number)
    url = f"/admin/price-changes/{number}/confirmation"
    seen = changing.mira.get(url).text.split('name="seen" value="')[1].split('"')[0]
    changing.subscriber("Adatum", quantity=2)
    answer = changing.mira.post(url, data={"seen": seen})
    assert answer.location.endswith("/confirmation")
    page = text_of(changing.mira.get(answer.location))
    assert "The numbers have changed" in page
    assert "Will move to the new one 5" in page
    assert changing.moves(number) == {}


def test_a_rise_at_short_notice_is_confirmed_by_typing(changing, four):
    number = changing.draft()
    changing.choose(number, notice_days="6")
    answer = changing.confirm(number)
    assert answer.status_code == 422
    assert "Type “raise at short notice”" in text_of(answer)
    assert changing.moves(number) == {}
    assert changing.confirm(number, phrase="raise at short notice").status_code == 303
    assert len(changing.moves(number)) == 4


def test_a_fall_needs_no_typing(changing, four):
    number = changing.draft(usd="45", eur="40", jpy="7000")
    changing.choose(number, notice_days="0")
    assert "Lower Team from $49 to $45 a seat" in changing.page(number)
    assert changing.confirm(number).status_code == 303


def test_while_one_change_runs_another_of_the_same_price_is_refused(changing, four):
    first, second = changing.draft(), changing.draft(usd="60")
    changing.choose(first)
    changing.choose(second)
    seen = changing.mira.get(f"/admin/price-changes/{second}/confirmation").text
    seen = seen.split('name="seen" value="')[1].split('"')[0]
    assert changing.confirm(first).status_code == 303
    url = f"/admin/price-changes/{second}/confirmation"
    answer = changing.mira.post(url, data={"seen": seen})
    page = text_of(changing.mira.get(answer.location))
    assert "This price is being changed already" in page
    assert changing.moves(second) == {}
    again = changing.mira.get(f"/admin/price-changes/new/{changing.price_before}")
    assert again.location.endswith(f"/admin/price-changes/{first}")


def test_those_kept_on_a_retired_price_can_be_moved_to_the_present_one_later(changing, four):
    changing.change(rule="keep")
    present = changing.price()
    plan = changing.mira.get("/admin/plans/demo_team")
    assert "4 subscriptions. Move them to the present price" in text_of(plan)
    assert f'href="/admin/price-changes/new/{changing.price_before}"' in plan.text
    page = text_of(changing.mira.get(f"/admin/price-changes/new/{changing.price_before}"))
    assert "Move those still on the old price of Team" in page
    answer = changing.mira.post(f"/admin/price-changes/new/{changing.price_before}")
    number = int(answer.location.rsplit("/", 1)[1])
    changing.choose(number)
    assert changing.confirm(number).status_code == 303
    assert changing.price() == present
    changing.run()
    assert {status for status, _ in changing.moves(number).values()} == {"scheduled"}
    assert changing.phases(four["Contoso"])[-1] == ("2026-12-19", present, 25)


def test_a_draft_can_be_thrown_away(changing, app):
    number = changing.draft()
    changing.mira.post(f"/admin/price-changes/{number}/discard")
    assert changing.mira.get(f"/admin/price-changes/{number}").status_code == 404
    with app.app_context():
        assert db.session.get(Price, changing.price_before).active


def test_a_price_that_nobody_pays_changes_for_new_sign_ups_alone(changing):
    number = changing.draft(price=changing.price("demo_starter_month"))
    assert "Nobody pays this price" in changing.page(number)
    changing.choose(number, rule="keep")
    assert changing.confirm(number).status_code == 303
    assert "Nobody is moved" in changing.page(number)
    assert "Raise Starter from $19 to $54" in text_of(changing.mira.get("/admin/price-changes"))


def test_the_list_says_how_a_price_is_changed_when_none_was(changing):
    assert "No price was changed here yet" in text_of(changing.mira.get("/admin/price-changes"))

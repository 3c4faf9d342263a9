"""A plan's prices: one more interval, one more currency, an interval that is sold no longer."""

from __future__ import annotations

import pytest

from models import AuditEntry, db
from tests.plan_pages import add_price, cards, draft_new, fields_of, follow, publish, text_of


@pytest.fixture
def admin(people, catalog):
    return people.staff_member("mira@tidewater.example", "admin")


def price(stripe, key):
    return stripe.v1.prices.list({"lookup_keys": [key], "expand": ["data.currency_options"]}).data[
        0
    ]


def test_an_interval_is_added_in_several_currencies_at_once(admin, client, stripe, app):
    answer = add_price(
        admin,
        "demo_team",
        count="3",
        amount_usd="140",
        amount_jpy="21,000",
        other_currency="kwd",
        other_amount="42.120",
    )
    page = follow(admin, answer)
    assert "A price charged every 3 months is drafted." in text_of(page)
    assert "Every 3 months" not in client.get("/plans").text
    shown = cards(admin.get("/admin/plans/demo_team/preview?interval=3-month"))
    assert "$140 a seat every 3 months" in shown["Team"]
    publish(admin, "demo_team")
    assert "$140 a seat every 3 months" in cards(client.get("/plans?interval=3-month"))["Team"]
    made = price(stripe, "team_3-month")
    assert (made.currency, made.unit_amount) == ("usd", 14000)
    assert made.recurring.interval_count == 3
    assert made.currency_options["jpy"].unit_amount == 21000
    assert made.currency_options["kwd"].unit_amount == 42120
    with app.app_context():
        entry = db.session.query(AuditEntry).filter_by(action="price.created").one()
        assert entry.after["amounts"] == [["usd", 14000], ["jpy", 21000], ["kwd", 42120]]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({}, "Give an amount in one currency at least."),
        ({"amount_usd": "12,5"}, "Write an amount such as 1,234.50."),
        ({"amount_usd": "49.999"}, "USD has 2 decimals"),
        ({"amount_jpy": "10.5"}, "JPY has no decimals"),
        ({"amount_usd": "-4"}, "An amount cannot be below zero."),
        ({"amount_usd": "0.20"}, "Stripe charges no less than $0.50 at once."),
        ({"amount_usd": "9", "other_currency": "dollars", "other_amount": "1"}, "three letters"),
        ({"amount_usd": "9", "other_currency": "eur", "other_amount": "1"}, "a field for this"),
        ({"amount_usd": "9", "other_currency": "kwd", "other_amount": "5.125"}, "end it in 0"),
        ({"amount_usd": "9", "other_currency": "gbp"}, "Give the amount."),
        ({"amount_usd": "9", "count": "0"}, "Enter a whole number from 1 to 156."),
        ({"amount_usd": "9", "interval": "year", "count": "4"}, "every three years at the longest"),
        ({"amount_usd": "9", "interval": "month"}, "It is sold monthly already"),
        ({"amount_usd": "9", "interval": "second"}, "Not a valid choice"),
    ],
)
def test_an_amount_typed_wrong_is_said_at_its_field_and_kept(admin, typed, said):
    answer = add_price(
        admin,
        "demo_team",
        **{"count": "2", **({"count": "1"} if "interval" in typed else {}), **typed},
    )
    assert answer.status_code == 422
    assert said in text_of(answer)
    kept = fields_of(answer)
    assert all(kept[name] == value for name, value in typed.items() if name != "interval")


def test_amounts_are_typed_as_the_reader_writes_them(admin, stripe):
    german = {"Accept-Language": "de-DE"}
    data = {"count": "2", "interval": "month", "amount_eur": "1.234,50", "amount_usd": "9,5"}
    admin.post("/admin/plans/demo_team/prices", data=data, headers=german)
    publish(admin, "demo_team")
    made = price(stripe, "team_2-month")
    assert made.currency_options["eur"].unit_amount == 123450
    assert made.currency_options["usd"].unit_amount == 950


def test_a_currency_is_added_to_the_price_that_is_there(admin, client, stripe, app):
    held = price(stripe, "demo_team_month").id
    page = admin.get(f"/admin/plans/demo_team/prices/{held}/currencies/new")
    assert "$49 · €45 · ¥7,400 a month" in text_of(page)
    sent = {"currency": "GBP", "amount": "41.50"}
    answer = admin.post(f"/admin/plans/demo_team/prices/{held}/currencies", data=sent)
    assert "Paying in GBP is drafted." in text_of(follow(admin, answer))
    shown = cards(admin.get("/admin/plans/demo_team/preview?currency=gbp"))
    assert "£41.50 a seat" in shown["Team"]
    publish(admin, "demo_team")
    assert "£41.50 a seat" in cards(client.get("/plans?currency=gbp"))["Team"]
    now = price(stripe, "demo_team_month")
    assert now.id == held
    assert now.currency_options["gbp"].unit_amount == 4150
    assert now.currency_options["eur"].unit_amount == 4500


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"currency": "eur", "amount": "5"}, "It is sold in EUR already."),
        ({"currency": "xx", "amount": "5"}, "three letters"),
        ({"currency": "jpy", "amount": "5.5"}, "JPY has no decimals"),
        ({"currency": "gbp", "amount": ""}, "Give the amount."),
    ],
)
def test_a_currency_that_cannot_be_added_says_why(admin, stripe, sent, said):
    held = price(stripe, "demo_team_month").id
    answer = admin.post(f"/admin/plans/demo_team/prices/{held}/currencies", data=sent)
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert fields_of(answer) == sent


def test_an_interval_is_retired_and_its_subscribers_keep_it(
    admin, client, people, subscribe, stripe
):
    people.join("ada@northwind.example", "Northwind")
    sub = subscribe("Northwind", "team", "year")
    held = price(stripe, "demo_team_year").id
    asked = text_of(admin.get(f"/admin/plans/demo_team/prices/{held}/retirement"))
    assert "1 subscription is on it and renews at this price as before." in asked
    admin.post(f"/admin/plans/demo_team/prices/{held}/retirement")
    # Twice is once.
    admin.post(f"/admin/plans/demo_team/prices/{held}/retirement")
    assert "$490" in cards(client.get("/plans?interval=year"))["Team"]
    preview = cards(admin.get("/admin/plans/demo_team/preview?interval=year"))
    assert "Not sold yearly" in preview["Team"]
    publish(admin, "demo_team")
    assert "Not sold yearly" in cards(client.get("/plans?interval=year"))["Team"]
    assert stripe.v1.prices.retrieve(held).active is False
    found = stripe.v1.subscriptions.retrieve(sub)
    assert (found.status, found["items"].data[0].price.id) == ("active", held)
    assert "1 price no longer sold" in text_of(admin.get("/admin/plans/demo_team"))


def test_the_first_price_of_a_plan_can_be_retired_when_another_takes_its_place(admin, stripe):
    held = price(stripe, "demo_team_month").id
    stripe.v1.products.update("demo_team", {"default_price": held})
    admin.post(f"/admin/plans/demo_team/prices/{held}/retirement")
    publish(admin, "demo_team")
    product = stripe.v1.products.retrieve("demo_team")
    assert stripe.v1.prices.retrieve(held).active is False
    assert product.default_price == price(stripe, "demo_team_year").id


def test_the_last_price_cannot_be_retired_from_a_published_plan(admin, client, stripe):
    for key in ("demo_team_month", "demo_team_year"):
        held = price(stripe, key).id
        admin.post(f"/admin/plans/demo_team/prices/{held}/retirement")
    refused = follow(admin, publish(admin, "demo_team"))
    assert "It has no price. Add one before you publish it." in text_of(refused)
    assert "$49 a seat" in cards(client.get("/plans"))["Team"]


def test_an_amount_is_changed_by_a_price_change(admin, stripe):
    held = price(stripe, "demo_team_month").id
    assert f"/admin/price-changes/new/{held}" in admin.get("/admin/plans/demo_team").text


def test_what_was_drafted_can_be_taken_out_again(admin):
    plan = draft_new(admin)
    add_price(admin, plan, amount_usd="9")
    page = admin.get(f"/admin/plans/{plan}").text
    step = page.split("/planned-prices/")[1].split("/")[0]
    answer = admin.post(f"/admin/plans/{plan}/planned-prices/{step}/removal")
    assert "No price yet" in text_of(follow(admin, answer))


def test_another_plans_price_is_not_found(admin, stripe):
    held = price(stripe, "demo_starter_month").id
    for path in ("currencies/new", "retirement"):
        assert admin.get(f"/admin/plans/demo_team/prices/{held}/{path}").status_code == 404


def test_a_price_in_tiers_is_shown_and_takes_no_further_currency(admin, stripe, deliver_webhooks):
    tiers = [{"up_to": 10, "unit_amount": 900}, {"up_to": "inf", "unit_amount": 700}]
    made = stripe.v1.prices.create(
        {
            "product": "demo_team",
            "currency": "usd",
            "billing_scheme": "tiered",
            "tiers_mode": "volume",
            "tiers": tiers,
            "recurring": {"interval": "week"},
        }
    )
    deliver_webhooks()
    page = admin.get("/admin/plans/demo_team")
    assert "Weekly" in text_of(page)
    assert "by use or tiers" in text_of(page)
    currencies = f"/admin/plans/demo_team/prices/{made.id}/currencies/new"
    assert currencies not in page.text
    assert admin.get(currencies).status_code == 404
    assert "USD by use or tiers" in text_of(admin.get("/admin/plans"))


def test_a_currency_drafted_for_a_price_that_ended_meanwhile_is_not_written(
    admin, stripe, deliver_webhooks
):
    held = price(stripe, "demo_team_year").id
    sent = {"currency": "gbp", "amount": "415"}
    admin.post(f"/admin/plans/demo_team/prices/{held}/currencies", data=sent)
    stripe.v1.prices.update(held, {"active": False})
    deliver_webhooks()
    assert "in GBP too" not in text_of(admin.get("/admin/plans/demo_team"))
    publish(admin, "demo_team")
    found = stripe.v1.prices.retrieve(held, {"expand": ["currency_options"]})
    assert "gbp" not in found.currency_options.to_dict()


def test_an_interval_can_be_sold_anew_in_the_draft_that_ends_it(admin, client, stripe):
    held = price(stripe, "demo_team_month").id
    admin.post(f"/admin/plans/demo_team/prices/{held}/retirement")
    assert add_price(admin, "demo_team", amount_usd="55").status_code == 303
    publish(admin, "demo_team")
    assert "$55 a seat a month" in cards(client.get("/plans"))["Team"]
    assert stripe.v1.prices.retrieve(held).active is False

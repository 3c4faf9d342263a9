"""The plans page: what is on offer, in which currency, and what a change would mean."""

from __future__ import annotations

import html
import re

import pytest

from models import Price, Product, Subscription, db


def cards(page):
    """Each card's text by the plan's name."""
    found = re.findall(r"<article.*?</article>", page.text, re.S)
    texts = [" ".join(html.unescape(re.sub(r"<[^>]+>", " ", each)).split()) for each in found]
    return {text.split(" ")[0]: text for text in texts}


def test_a_visitor_sees_every_plan_in_order_with_its_price_and_features(client, catalog):
    page = client.get("/plans")
    assert page.status_code == 200
    shown = cards(page)
    assert list(shown) == ["Starter", "Team", "Business"]
    assert "$19 a month" in shown["Starter"]
    assert "$49 a seat a month" in shown["Team"]
    assert "Single sign-on" in shown["Team"]
    assert "Most chosen" in shown["Team"]
    assert "Choose Business" in shown["Business"]


def test_the_front_page_leads_a_visitor_to_the_plans(client, catalog):
    assert client.get("/").location == "/plans"


def test_yearly_prices_say_what_they_save(client, catalog):
    assert "save 17%" in client.get("/plans").text
    shown = cards(client.get("/plans?interval=year"))
    assert "$990 a seat a year" in shown["Business"]
    assert "$82.50 a month, 17% less" in shown["Business"]


def test_different_savings_are_said_as_up_to(client, catalog, stripe, deliver_webhooks):
    old = stripe.v1.prices.list({"lookup_keys": ["demo_starter_year"]}).data[0]
    stripe.v1.prices.create(
        {
            "product": "demo_starter",
            "currency": "usd",
            "unit_amount": 11400,
            "recurring": {"interval": "year"},
        }
    )
    stripe.v1.prices.update(old.id, {"active": False})
    deliver_webhooks()
    assert "save up to 50%" in re.sub(r"<[^>]+>", "", client.get("/plans").text)


def test_prices_come_in_the_currency_asked_for(client, catalog):
    page = client.get("/plans?currency=eur")
    assert "€45 a seat" in cards(page)["Team"]
    assert "Prices in euros" in page.text
    assert "¥7,400" in cards(client.get("/plans?currency=jpy"))["Team"]


@pytest.mark.parametrize("asked", ["currency=xyz", "interval=hour", "currency=&interval="])
def test_what_is_not_sold_falls_back_to_what_is(client, catalog, asked):
    assert "$49 a seat a month" in cards(client.get(f"/plans?{asked}"))["Team"]


def test_an_empty_catalogue_says_what_will_appear(client):
    page = client.get("/plans")
    assert page.status_code == 200
    assert "Plans appear here as soon as they are on offer" in page.text


def test_hidden_and_withdrawn_plans_are_not_shown(client, catalog, stripe, deliver_webhooks):
    stripe.v1.products.update("demo_starter", {"active": False})
    stripe.v1.products.update("demo_business", {"metadata": {"public": "no"}})
    deliver_webhooks()
    assert list(cards(client.get("/plans"))) == ["Team"]


def test_plans_follow_their_position(client, catalog, stripe, deliver_webhooks):
    stripe.v1.products.update("demo_business", {"metadata": {"position": "0"}})
    deliver_webhooks()
    assert next(iter(cards(client.get("/plans")))) == "Business"


def test_a_plan_without_a_price_at_that_interval_says_so(client, catalog, stripe, deliver_webhooks):
    price = stripe.v1.prices.list({"lookup_keys": ["demo_team_year"]}).data[0]
    stripe.v1.prices.update(price.id, {"active": False})
    deliver_webhooks()
    team = cards(client.get("/plans?interval=year"))["Team"]
    assert "Not sold yearly" in team
    assert "Choose" not in team


def test_signed_in_buyers_get_a_form_with_seats(people, catalog):
    page = people.owner().get("/plans")
    assert page.text.count('action="/checkout"') == 3
    assert 'name="quantity" required min="1" max="25"' in page.text


def test_who_only_reads_is_told_whom_to_ask(people, catalog):
    people.join("eva@northwind.example", role="viewer")
    page = people.sign_in("eva@northwind.example").get("/plans")
    assert 'action="/checkout"' not in page.text
    assert "ask an owner" in page.text


def test_a_subscriber_sees_their_plan_marked_and_what_each_change_means(people, subscribe):
    owner = people.owner()
    subscribe("Northwind", "team", quantity=8)
    page = owner.get("/plans")
    shown = cards(page)
    assert "Your plan" in shown["Team"]
    assert "8 seats, $392.00 a month" in shown["Team"]
    assert "Upgrade to Business" in shown["Business"]
    assert "$400.00 more a month from today." in shown["Business"]
    assert "Move to Starter" in shown["Starter"]
    assert "From 19 December: $373.00 less a month. 8 seats become one." in shown["Starter"]
    assert "Most chosen" not in page.text


def test_moving_to_yearly_is_told_in_both_amounts(people, subscribe):
    owner = people.owner()
    subscribe("Northwind", "starter")
    shown = cards(owner.get("/plans?interval=year"))
    assert "From today: $190.00 a year instead of $19.00 a month." in shown["Starter"]
    assert "Switch to yearly" in shown["Starter"]


def test_moving_to_monthly_waits_for_the_period_to_end(people, subscribe):
    owner = people.owner()
    subscribe("Northwind", "starter", interval="year")
    shown = cards(owner.get("/plans?interval=month"))
    assert "From 19 November 2027: $99.00 a month" in shown["Business"]


def test_a_subscriber_on_a_yearly_plan_sees_yearly_prices_first(people, subscribe):
    owner = people.owner()
    subscribe("Northwind", "starter", interval="year")
    assert "Your plan" in cards(owner.get("/plans"))["Starter"]


def test_an_account_keeps_its_currency(people, subscribe):
    owner = people.owner()
    subscribe("Northwind", "team", currency="eur")
    page = owner.get("/plans?currency=usd")
    assert "€99" not in page.text
    assert "€92 a seat a month" in cards(page)["Business"]
    assert 'aria-label="Currency"' not in page.text


def test_who_owes_is_not_promised_a_change(app, people, subscribe):
    owner = people.owner()
    subscribe("Northwind", "team")
    with app.app_context():
        db.session.query(Subscription).one().status = "past_due"
        db.session.commit()
    assert "from today" not in owner.get("/plans").text


def test_a_price_in_fractions_of_a_cent_is_shown_whole(app, client, catalog):
    with app.app_context():
        price = db.session.query(Price).filter_by(lookup_key="demo_team_month").one()
        price.unit_amount, price.unit_amount_decimal = None, "0.5"
        db.session.commit()
    assert "$0.005 a seat a month" in cards(client.get("/plans"))["Team"]


def test_names_of_plans_are_text_not_markup(app, client, catalog):
    with app.app_context():
        db.session.query(Product).filter_by(slug="team").one().name = "<script>alert(1)</script>"
        db.session.commit()
    assert "<script>alert" not in client.get("/plans").text


def test_a_plan_that_ones_own_cannot_be_changed_to_says_so_and_has_no_button(
    people, subscribe, stripe, deliver_webhooks
):
    owner = people.owner()
    subscribe("Northwind", "team")
    stripe.v1.products.update("demo_team", {"metadata": {"changes_to": "demo_starter, other"}})
    deliver_webhooks()
    page = owner.get("/plans")
    shown = cards(page)
    assert "Team cannot be changed to this plan here. Write to us" in shown["Business"]
    assert "Upgrade to Business" not in shown["Business"]
    assert "Move to Starter" in shown["Starter"]
    # Whoever has none of them may buy any.
    assert (
        "Choose Business"
        in cards(people.owner("bo@fabrikam.example", "Fabrikam").get("/plans"))["Business"]
    )

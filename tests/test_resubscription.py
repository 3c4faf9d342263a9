"""Subscribing again: the old choices filled in, today's price told, one step to Checkout."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from models import CheckoutIntent, Price, db
from tests.quote_page import OWNER, pass_time, pull, text_of


@pytest.fixture
def former(people, subscribe, stripe, clock, app):
    """Northwind had Team, monthly, with 8 seats until 3 May; the subscription's id."""
    people.join(OWNER)
    subscription = subscribe("Northwind", "team", quantity=8)
    clock.set(datetime(2027, 5, 3, 9, 0, tzinfo=UTC))
    stripe.v1.subscriptions.cancel(subscription)
    pull(app, "subscription", subscription)
    return subscription


@pytest.fixture
def owner(former, people):
    return people.sign_in(OWNER)


def take_up(owner, page):
    """Presses the one button of the panel."""
    panel = page.text.split('class="again"')[1].split("</section>")[0]
    fields = {
        part.split('"')[0]: part.split('value="')[1].split('"')[0]
        for part in panel.split('name="')[1:]
        if part.split('"')[0] != "csrf_token"
    }
    return owner.post("/checkout", data=fields)


def session_of(stripe, app):
    with app.app_context():
        intent = db.session.query(CheckoutIntent).filter_by(status="open").one()
        return stripe.v1.checkout.sessions.retrieve(intent.session_id, {"expand": ["line_items"]})


def test_the_overview_leads_to_the_old_choices(owner):
    assert 'href="/plans?again=1"' in owner.get("/").text
    page = owner.get("/plans?again=1")
    said = text_of(page)
    assert "You had Team, monthly, 8 seats until 3 May 2027." in said
    assert "It costs $392.00 a month, as before, before any tax." in said
    assert 'name="quantity" required min="1" max="25" value="8"' in page.text
    assert "Take up Team, monthly, 8 seats" in said


def test_one_press_leads_to_checkout_with_the_saved_card_and_no_second_trial(
    owner, stripe, app, sandbox
):
    answer = take_up(owner, owner.get("/plans?again=1"))
    assert answer.status_code == 303
    session = session_of(stripe, app)
    (line,) = session.line_items.data
    assert (line.quantity, session.amount_total, session.currency) == (8, 39200, "usd")
    checkout = sandbox.test_client().get(urlsplit(answer.location).path).text
    assert "4242" in checkout


def test_a_new_price_is_told_beside_the_old_one(owner, former, stripe, app):
    old = stripe.v1.subscriptions.retrieve(former)["items"].data[0].price
    new = stripe.v1.prices.create(
        {
            "product": "demo_team",
            "currency": "usd",
            "unit_amount": 5900,
            "recurring": {"interval": "month"},
        }
    )
    stripe.v1.prices.update(old.id, {"active": False})
    for price in (old.id, new.id):
        pull(app, "price", price)
    page = owner.get("/plans?again=1")
    assert "It costs $472.00 a month today; before, the same cost $392.00 a month" in text_of(page)
    take_up(owner, page)
    assert session_of(stripe, app).amount_total == 47200


def test_a_withdrawn_plan_gives_way_to_the_nearest_and_says_so(owner, stripe, app):
    stripe.v1.products.update("demo_team", {"active": False})
    pull(app, "product", "demo_team")
    page = owner.get("/plans?again=1")
    said = text_of(page)
    # $19 for one is nearer to $392 than $792 for eight seats of Business.
    assert "Team is no longer sold; Starter is the nearest to it." in said
    assert take_up(owner, page).status_code == 303
    assert session_of(stripe, app).amount_total == 1900


def test_a_plan_made_anew_under_its_name_takes_its_place(owner, stripe, app):
    stripe.v1.products.update("demo_team", {"active": False})
    made = stripe.v1.products.create(
        {
            "name": "Team",
            "metadata": {"slug": "team", "min_seats": "1", "max_seats": "5", "position": "2"},
        }
    )
    price = stripe.v1.prices.create(
        {
            "product": made.id,
            "currency": "usd",
            "unit_amount": 5500,
            "recurring": {"interval": "month"},
        }
    )
    for kind, what in (("product", "demo_team"), ("product", made.id), ("price", price.id)):
        pull(app, kind, what)
    page = owner.get("/plans?again=1")
    said = text_of(page)
    assert "is no longer sold" not in said
    assert "Team has 5 seats at most, 3 fewer than you had." in said
    assert "It costs $275.00 a month today; before, the same cost $245.00 a month" in said
    take_up(owner, page)
    assert session_of(stripe, app).amount_total == 27500


def test_the_old_currency_and_rhythm_are_kept(people, subscribe, stripe, app):
    owner = people.owner()
    subscription = subscribe("Northwind", "team", interval="year", quantity=2, currency="eur")
    stripe.v1.subscriptions.cancel(subscription)
    pull(app, "subscription", subscription)
    page = owner.get("/plans?again=1")
    assert "It costs €900.00 a year, as before" in text_of(page)
    assert "€450 a seat a year" in text_of(page)


def test_an_order_that_was_never_paid_is_taken_up_too(
    people, subscribe, stripe, app, clock, sandbox
):
    people.join(OWNER)
    order = subscribe("Northwind", "team", quantity=4, payment_behavior="default_incomplete")
    pass_time(sandbox, clock, clock.now + timedelta(hours=24))
    pull(app, "subscription", order)
    said = text_of(people.sign_in(OWNER).get("/plans?again=1"))
    assert "You ordered Team, monthly, 4 seats." in said
    assert "You were not charged for that order." in said
    # It never began, so the account's trial is still to come.
    assert "Your 14 free days come first." in said


def test_without_a_former_subscription_the_address_shows_the_plans(
    people, client, catalog, subscribe
):
    assert "You had" not in text_of(client.get("/plans?again=1"))
    owner = people.owner()
    assert "You had" not in text_of(owner.get("/plans?again=1"))
    subscribe("Northwind", "team")
    assert "You had" not in text_of(owner.get("/plans?again=1"))


def test_who_only_reads_is_not_offered_it(former, people):
    people.join("viewer@northwind.example", role="viewer")
    viewer = people.sign_in("viewer@northwind.example")
    assert "Take up" not in text_of(viewer.get("/plans?again=1"))


def test_a_wrong_number_of_seats_keeps_the_old_choices_in_sight(owner, app, stripe):
    with app.app_context():
        price = db.session.query(Price).filter_by(lookup_key="demo_team_month").one().stripe_id
    page = owner.post(
        "/checkout", data={"price": price, "currency": "usd", "quantity": "26", "again": "1"}
    )
    assert page.status_code == 422
    assert 'value="26"' in page.text
    assert "again=1" in page.text

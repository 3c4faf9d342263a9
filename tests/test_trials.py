"""Free trials: with or without a card as the plan says, one in an account's life, and their end.

Starter ($19) has 14 days without a card, Team ($49 a seat) 14 days with one, Business none.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from models import Account, CheckoutIntent, Price, Subscription, db
from tests.checkout_page import pay
from tests.quote_page import OWNER, invoices_of, pass_time, pull, text_of, use_card
from tests.test_plans import cards

# The trial's last moment, for one that begins at the suite's first.
ENDS = datetime(2026, 12, 3, 12, 0, tzinfo=UTC)


@pytest.fixture
def buy(app, catalog):
    def post(client, plan, **more):
        with app.app_context():
            price = db.session.query(Price).filter_by(lookup_key=f"demo_{plan}_month").one()
            form = {"price": price.stripe_id, "currency": "usd", **more}
        return client.post("/checkout", data=form)

    return post


@pytest.fixture
def start(sandbox):
    """Begins a trial on Checkout's page, which asks for no card; the path back."""

    def press(url):
        form = {"action": "pay", "email": OWNER, "name": "Ada Lindqvist", "country": "US"}
        answer = sandbox.test_client().post(urlsplit(url).path, data=form)
        assert answer.status_code in {302, 303}, answer.text
        back = urlsplit(answer.location)
        return f"{back.path}?{back.query}"

    return press


def the_subscription(app):
    with app.app_context():
        return db.session.query(Subscription).one().stripe_id


def session_of(stripe, app):
    with app.app_context():
        intent = db.session.query(CheckoutIntent).filter_by(status="open").one()
        return stripe.v1.checkout.sessions.retrieve(intent.session_id)


def open_trial(owner, buy, start):
    owner.get(start(buy(owner, "starter").location))


def test_visitors_see_how_long_what_then_and_the_day_of_the_first_charge(client, catalog):
    shown = cards(client.get("/plans"))
    assert "14 days free, no card needed, then $19 a month." in shown["Starter"]
    assert "First charge on 3 December 2026 if you start today" in shown["Starter"]
    assert "without a card it pauses then and you owe nothing" in shown["Starter"]
    assert "14 days free, with a card saved, then $49 a seat a month." in shown["Team"]
    assert "cancel before then and pay nothing" in shown["Team"]
    assert "Try Team free" in shown["Team"]
    assert "free" not in shown["Business"]


def test_a_trial_without_a_card_begins_without_one(people, buy, start, stripe, app, sandbox):
    owner = people.owner()
    url = buy(owner, "starter").location
    page = sandbox.test_client().get(urlsplit(url).path).text
    assert "Start trial" in page
    assert 'name="number"' not in page
    answer = owner.get(start(url))
    said = text_of(owner.get(answer.location))
    assert "Your free trial has started; nothing was charged." in said
    assert "3 December" in said
    subscription = stripe.v1.subscriptions.retrieve(the_subscription(app))
    assert (subscription.status, subscription.trial_end) == ("trialing", int(ENDS.timestamp()))
    assert subscription.trial_settings.end_behavior.missing_payment_method == "pause"


def test_a_trial_with_a_card_asks_for_it(people, buy, stripe, app, sandbox):
    owner = people.owner()
    url = buy(owner, "team", quantity="3").location
    assert session_of(stripe, app).payment_method_collection == "always"
    assert 'name="number"' in sandbox.test_client().get(urlsplit(url).path).text
    owner.get(pay(sandbox, url))
    home = text_of(owner.get("/"))
    assert "Your trial of Team" in home
    assert "$147.00" in home
    assert invoices_of(stripe, the_subscription(app)) == [("paid", 0)]


def test_a_plan_without_a_trial_is_sold_as_ever(people, buy, stripe, app):
    buy(people.owner(), "business")
    session = session_of(stripe, app)
    assert session.payment_method_collection == "always"
    assert session.amount_total == 9900


def test_an_account_has_one_trial_of_whatever_plan(
    people, buy, start, stripe, app, deliver_webhooks
):
    owner = people.owner()
    open_trial(owner, buy, start)
    stripe.v1.subscriptions.cancel(the_subscription(app))
    deliver_webhooks()
    shown = cards(owner.get("/plans"))
    assert "free" not in shown["Starter"] + shown["Team"]
    assert "Choose Team" in shown["Team"]
    buy(owner, "team")
    assert session_of(stripe, app).amount_total == 4900


def test_a_customer_made_anew_brings_no_second_trial(
    people, buy, start, stripe, app, deliver_webhooks
):
    owner = people.owner()
    open_trial(owner, buy, start)
    with app.app_context():
        gone = db.session.query(Account).one().stripe_customer_id
    stripe.v1.customers.delete(gone)
    deliver_webhooks()
    buy(owner, "team")
    with app.app_context():
        assert db.session.query(Account).one().stripe_customer_id != gone
    assert session_of(stripe, app).amount_total == 4900


def test_who_paid_before_and_comes_back_has_no_trial(people, subscribe, stripe, deliver_webhooks):
    owner = people.owner()
    subscription = subscribe("Northwind", "business")
    stripe.v1.subscriptions.cancel(subscription)
    deliver_webhooks()
    assert "Try" not in text_of(owner.get("/plans"))


def test_a_trial_given_by_staff_in_stripe_counts(people, subscribe, stripe, deliver_webhooks):
    owner = people.owner()
    subscription = subscribe("Northwind", "business", trial_period_days=30)
    stripe.v1.subscriptions.cancel(subscription)
    deliver_webhooks()
    assert "Try" not in text_of(owner.get("/plans"))


def test_another_account_still_has_its_own(people, buy, start, app):
    open_trial(people.owner(), buy, start)
    other = people.owner("bo@fjord.example", "Fjord")
    assert "Try Team free" in text_of(other.get("/plans"))


def test_two_tabs_begin_one_trial(people, buy, start, stripe, app):
    """The second tab's choice closes the first one's page; both cannot be finished."""
    owner = people.owner()
    first = buy(owner, "starter").location
    second = buy(owner, "team").location
    assert first != second
    sessions = {s.url: s.status for s in stripe.v1.checkout.sessions.list({}).data}
    assert sorted(sessions.values()) == ["expired", "open"]


def test_a_trial_finished_and_ended_in_one_tab_leaves_none_for_the_other(
    people, buy, start, stripe, app
):
    """Nobody came back and no webhook did: the open attempt itself is asked what became of it."""
    owner = people.owner()
    start(buy(owner, "starter").location)
    (made,) = stripe.v1.subscriptions.list({}).data
    stripe.v1.subscriptions.cancel(made.id)
    assert buy(owner, "team").status_code == 303
    assert session_of(stripe, app).amount_total == 4900


def test_a_trial_that_changed_meanwhile_is_offered_as_it_is_now(people, buy, stripe, app):
    owner = people.owner()
    first = buy(owner, "team").location
    stripe.v1.products.update("demo_team", {"metadata": {"trial_days": "30"}})
    pull(app, "product", "demo_team")
    assert buy(owner, "team").location != first


@pytest.mark.parametrize("typed", ["", "soon", "-3", "0"])
def test_what_is_no_number_of_days_is_no_trial(client, catalog, stripe, app, typed):
    stripe.v1.products.update("demo_team", {"metadata": {"trial_days": typed}})
    pull(app, "product", "demo_team")
    assert "free" not in cards(client.get("/plans"))["Team"]


def test_a_viewer_is_shown_no_button_and_a_subscriber_no_trial(people, subscribe, catalog):
    owner = people.owner()
    subscribe("Northwind", "business")
    assert "days free" not in text_of(owner.get("/plans"))


# Its end ------------------------------------------------------------------------------------


@pytest.fixture
def trial(people, buy, start, app):
    """Northwind in its trial of Starter, without a card; the subscription's id."""
    open_trial(people.owner(), buy, start)
    return the_subscription(app)


def test_without_a_card_it_pauses_and_nothing_is_owed(
    trial, people, stripe, clock, sandbox, deliver_webhooks
):
    pass_time(sandbox, clock, ENDS + timedelta(hours=2))
    deliver_webhooks()
    home = people.sign_in(OWNER).get("/")
    assert "Starter is paused." in text_of(home)
    assert "so nothing was charged" in text_of(home)
    assert 'href="/resumption"' in home.text
    assert invoices_of(stripe, trial) == [("paid", 0)]


def test_a_card_added_during_the_trial_is_charged_at_its_end(
    trial, people, stripe, app, clock, sandbox, deliver_webhooks
):
    assert "Add a payment method" in text_of(people.sign_in(OWNER).get("/"))
    use_card(app, stripe, trial, "pm_card_visa")
    pass_time(sandbox, clock, ENDS + timedelta(hours=2))
    deliver_webhooks()
    assert "You are on Starter. Next charge is $19.00 on 3 January" in text_of(
        people.sign_in(OWNER).get("/")
    )
    assert invoices_of(stripe, trial) == [("paid", 1900), ("paid", 0)]


def test_a_card_declined_at_its_end_is_past_due_with_a_way_to_pay(
    trial, people, stripe, app, clock, sandbox, deliver_webhooks
):
    use_card(app, stripe, trial, "pm_card_chargeCustomerFail")
    pass_time(sandbox, clock, ENDS + timedelta(hours=2))
    deliver_webhooks()
    home = text_of(people.sign_in(OWNER).get("/"))
    assert "Your payment of $19.00 did not go through." in home
    assert "Pay" in home
    assert stripe.v1.subscriptions.retrieve(trial).status == "past_due"


def test_cancelled_during_the_trial_it_ends_uncharged(
    trial, people, stripe, clock, sandbox, deliver_webhooks
):
    owner = people.sign_in(OWNER)
    owner.post("/cancellation", data={"feedback": "unused"})
    pass_time(sandbox, clock, ENDS + timedelta(hours=2))
    deliver_webhooks()
    assert "Starter ended" in text_of(people.sign_in(OWNER).get("/"))
    assert invoices_of(stripe, trial) == [("paid", 0)]

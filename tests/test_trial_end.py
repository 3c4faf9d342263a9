"""A trial ended before its time: quoted, charged once, and left alone when the payment fails.

Team is $49 a seat a month. The trial of 14 days begins on 19 November.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing.errors import StripeUnavailable
from billing.gateway import trial_end as gateway
from models import AuditEntry, Quote, db
from tests.quote_page import (
    OWNER,
    accept,
    after,
    invoices_of,
    offers_quote,
    pass_time,
    pull,
    quote_in,
    row_of,
    stored_quote,
    text_of,
    use_card,
)


@pytest.fixture
def trial(people, subscribe, clock):
    """Northwind, two days into its trial of Team with three seats and a Visa."""
    people.join(OWNER)
    subscription_id = subscribe("Northwind", "team", quantity=3, trial_period_days=14)
    clock.advance(days=2)
    return subscription_id


@pytest.fixture
def owner(trial, people):
    return people.sign_in(OWNER)


def status(stripe, subscription_id):
    return stripe.v1.subscriptions.retrieve(subscription_id).status


def test_the_page_says_what_is_charged_today_and_from_when_on(owner):
    page = owner.get("/trial-end")
    assert "Your trial of Team is free until 3 December 2026." in text_of(page)
    assert row_of(page, "Team 3 seats") == "$147.00"
    assert row_of(page, "Due today, Visa ending 4242") == "$147.00"
    assert row_of(page, "From 21 December 2026, every month") == "$147.00"
    assert "Pay $147.00 and start now" in text_of(page)


def test_it_is_charged_once_as_quoted_and_the_month_begins_today(owner, trial, stripe, app):
    quote_id = quote_in(owner.get("/trial-end"))
    first = owner.post("/trial-end", data={"quote": quote_id})
    assert "Team is yours. $147.00 was charged." in after(owner, first)
    second = owner.post("/trial-end", data={"quote": quote_id})
    assert second.headers["Location"].endswith("/subscription")
    assert invoices_of(stripe, trial) == [("paid", 14700), ("paid", 0)]
    quote = stored_quote(app, quote_id)
    assert (quote.kind, quote.amount_due, quote.charged_amount) == ("trial_end", 14700, 14700)
    assert "You are on Team. Next charge is $147.00 on 21 December" in text_of(owner.get("/"))
    with app.app_context():
        actions = [e.action for e in db.session.query(AuditEntry)]
    assert actions.count("trial.ended_early") == 1


def test_a_declined_card_leaves_the_trial_as_it_is(owner, trial, stripe, app):
    use_card(app, stripe, trial, "pm_card_chargeCustomerFail")
    page = accept(owner, "/trial-end")
    assert page.status_code == 402
    assert "You were not charged." in text_of(page)
    assert "Your trial goes on as before." in text_of(page)
    assert status(stripe, trial) == "trialing"
    assert invoices_of(stripe, trial) == [("paid", 0)]
    # With another card the page just shown can be confirmed.
    use_card(app, stripe, trial, "pm_card_visa")
    assert "$147.00 was charged." in after(owner, accept(owner, "/trial-end"))


def test_the_bank_may_want_it_confirmed_and_the_trial_goes_on_until_then(
    owner, trial, stripe, app, sandbox
):
    use_card(app, stripe, trial, "pm_card_threeDSecure2Required")
    answer = accept(owner, "/trial-end")
    assert answer.status_code == 303
    page = owner.get(answer.headers["Location"], follow_redirects=True)
    assert "You were not charged yet, and your trial goes on until you have." in text_of(page)
    assert status(stripe, trial) == "trialing"
    assert owner.get("/trial-end").headers["Location"].endswith("/pending-change")
    latest = stripe.v1.subscriptions.retrieve(trial).latest_invoice
    secret = stripe.v1.invoices.retrieve(
        latest, {"expand": ["confirmation_secret"]}
    ).confirmation_secret.client_secret
    sandbox.test_client().post(f"/bank/{secret}", data={"answer": "complete"})
    owner.post(f"/invoices/{latest}/bank-confirmation")
    assert status(stripe, trial) == "active"
    assert invoices_of(stripe, trial)[0] == ("paid", 14700)


def test_a_lost_answer_charges_nobody_twice(owner, trial, stripe, monkeypatch):
    really = gateway.create

    def lost(*args, **kwargs):
        really(*args, **kwargs)
        raise StripeUnavailable

    quote_id = quote_in(owner.get("/trial-end"))
    monkeypatch.setattr(gateway, "create", lost)
    answer = owner.post("/trial-end", data={"quote": quote_id})
    assert "$147.00 was charged." in after(owner, answer)
    monkeypatch.setattr(gateway, "create", really)
    owner.post("/trial-end", data={"quote": quote_id})
    assert invoices_of(stripe, trial) == [("paid", 14700), ("paid", 0)]


def test_an_old_quote_and_one_whose_seats_have_changed_charge_nothing(
    owner, trial, stripe, app, clock, people
):
    old = quote_in(owner.get("/trial-end"))
    clock.advance(minutes=31)
    assert "Nothing was changed and you were not charged." in after(
        owner, owner.post("/trial-end", data={"quote": old})
    )
    fewer = quote_in(owner.get("/trial-end"))
    accept(owner, "/seats?seats=5", seats="5")
    assert "Nothing was changed and you were not charged." in after(
        owner, owner.post("/trial-end", data={"quote": fewer})
    )
    assert status(stripe, trial) == "trialing"


def test_a_quote_of_another_page_or_account_does_nothing(owner, trial, stripe, people, app):
    mine = quote_in(owner.get("/trial-end"))
    other = quote_in(owner.get("/seats?seats=5"))
    owner.post("/trial-end", data={"quote": other})
    owner.post("/seats", data={"quote": mine, "seats": "3"})
    people.join("mal@elsewhere.example", "Elsewhere")
    stranger = people.sign_in("mal@elsewhere.example")
    assert stranger.post("/trial-end", data={"quote": mine}).headers["Location"].endswith("/plans")
    owner.post("/trial-end", data={})
    assert status(stripe, trial) == "trialing"
    assert invoices_of(stripe, trial) == [("paid", 0)]
    with app.app_context():
        assert db.session.query(Quote).filter(Quote.applied_at.is_not(None)).count() == 0


def test_without_a_method_it_asks_for_one_first(app, people, subscribe, stripe, owner, trial):
    with app.app_context():
        customer = stripe.v1.subscriptions.retrieve(trial).customer
    for method in stripe.v1.customers.payment_methods.list(customer).data:
        stripe.v1.payment_methods.detach(method.id)
        pull(app, "payment_method", method.id)
    pull(app, "customer", customer)
    page = owner.get("/trial-end")
    assert "You have no payment method." in text_of(page)
    assert not offers_quote(page)


def test_a_cancelled_trial_is_kept_first(owner, trial):
    owner.post("/cancellation", data={"feedback": "unused"})
    page = owner.get("/trial-end")
    assert "Team is to end on 3 December 2026. Keep it first" in text_of(page)
    assert not offers_quote(page)


def test_when_there_is_no_trial_it_says_so(people, subscribe, catalog):
    owner = people.owner()
    assert owner.get("/trial-end").headers["Location"].endswith("/plans")
    subscribe("Northwind", "team")
    said = after(owner, owner.get("/trial-end"))
    assert "Team is not in a trial any more. Nothing was changed and nothing was charged." in said
    # A stale tab sends its form: it is led to where it hears the same.
    again = owner.post("/trial-end", data={"quote": "x"})
    assert again.headers["Location"].endswith("/trial-end")


def test_when_stripe_is_down_it_shows_the_list_price(owner, stripe_is_down):
    stripe_is_down()
    page = owner.get("/trial-end")
    assert page.status_code == 200
    assert "We cannot work out the exact cost right now." in text_of(page)
    assert row_of(page, "Team, 3 seats, every month") == "$147.00"


def test_only_owners_and_billing_end_a_trial(trial, people, client):
    assert "/login" in client.get("/trial-end").headers["Location"]
    people.join("viewer@northwind.example", role="viewer")
    viewer = people.sign_in("viewer@northwind.example")
    assert viewer.get("/trial-end").status_code == 403
    assert viewer.post("/trial-end").status_code == 403


def test_a_renewal_follows_a_month_after_the_early_end(
    owner, trial, stripe, clock, sandbox, app, people
):
    accept(owner, "/trial-end")
    pass_time(sandbox, clock, clock.now + timedelta(days=30, hours=2))
    assert invoices_of(stripe, trial)[0] == ("paid", 14700)
    assert len(invoices_of(stripe, trial)) == 3

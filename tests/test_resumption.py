"""A paused subscription resumed: quoted, charged once, and still paused when the payment fails.

Team is $49 a seat a month. Half of the month of 8 seats, $392.00, is unused when it is paused on
4 December at noon: $196.00 of credit.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing.errors import StripeUnavailable
from billing.gateway import resumption as gateway
from models import AuditEntry, Customer, Pause, db
from tests.quote_page import (
    OWNER,
    accept,
    after,
    in_mirror,
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
def paused(team, people, clock):
    """Northwind's Team with 8 seats, paused half way through its month, three weeks ago."""
    people.sign_in(OWNER).post("/pause", data={"months": "2"})
    clock.advance(days=21)
    return team


@pytest.fixture
def owner(paused, people):
    return people.sign_in(OWNER)


def status(stripe, subscription_id):
    return stripe.v1.subscriptions.retrieve(subscription_id).status


def balance(app):
    with app.app_context():
        return db.session.query(Customer).one().balance


def pause_of(app):
    with app.app_context():
        pause = db.session.query(Pause).one()
        db.session.expunge(pause)
        return pause


def test_the_page_says_what_resuming_costs_today_less_the_credit(owner):
    page = owner.get("/resumption")
    assert "Team is paused until 4 February 2027." in text_of(page)
    assert row_of(page, "Team 8 seats, 25 December 2026 to 25 January 2027") == "$392.00"
    assert row_of(page, "From your credit balance") == "\N{MINUS SIGN}$196.00"
    assert row_of(page, "Due today, Visa ending 4242") == "$196.00"
    assert row_of(page, "From 25 January 2027, every month") == "$392.00"
    assert "Pay $196.00 and resume" in text_of(page)


def test_it_is_charged_once_as_quoted_and_the_month_begins_today(owner, paused, stripe, app):
    quote_id = quote_in(owner.get("/resumption"))
    first = owner.post("/resumption", data={"quote": quote_id})
    assert "Team runs again from today. $196.00 was charged." in after(owner, first)
    owner.post("/resumption", data={"quote": quote_id})
    assert invoices_of(stripe, paused) == [("paid", 19600), ("paid", 0), ("paid", 39200)]
    quote = stored_quote(app, quote_id)
    assert (quote.kind, quote.amount_due, quote.charged_amount) == ("resumption", 19600, 19600)
    assert balance(app) == 0
    assert pause_of(app).ended_at is not None
    assert "Next charge is $392.00 on 25 January" in text_of(owner.get("/"))
    with app.app_context():
        actions = [e.action for e in db.session.query(AuditEntry)]
    assert actions.count("subscription.resumed") == 1


def test_a_declined_card_leaves_it_paused_with_nothing_owed(owner, paused, stripe, app, clock):
    use_card(app, stripe, paused, "pm_card_chargeCustomerFail")
    page = accept(owner, "/resumption")
    assert page.status_code == 402
    assert "Team stays paused, and you owe nothing." in text_of(page)
    assert row_of(page, "Due today") == "$196.00"
    assert status(stripe, paused) == "paused"
    assert invoices_of(stripe, paused)[0] == ("void", 19600)
    assert balance(app) == -19600
    assert "still to be paid" not in text_of(owner.get("/"))
    # It still resumes on its day, and with another card at once.
    assert pause_of(app).resumes_at is not None
    use_card(app, stripe, paused, "pm_card_visa")
    assert "$196.00 was charged." in after(owner, accept(owner, "/resumption"))


def test_a_declined_resumption_is_never_charged_later(owner, paused, stripe, app, clock, sandbox):
    use_card(app, stripe, paused, "pm_card_chargeCustomerFail")
    accept(owner, "/resumption")
    use_card(app, stripe, paused, "pm_card_visa")
    pass_time(sandbox, clock, clock.now + timedelta(days=20))
    assert status(stripe, paused) == "paused"
    assert [s for s, _ in invoices_of(stripe, paused)] == ["void", "paid", "paid"]


@pytest.fixture
def asked_by_the_bank(owner, paused, app, stripe):
    use_card(app, stripe, paused, "pm_card_threeDSecure2Required")
    return owner.get(accept(owner, "/resumption").headers["Location"], follow_redirects=True)


@pytest.fixture
def bank(sandbox, stripe, paused):
    def say(answer):
        latest = stripe.v1.subscriptions.retrieve(paused).latest_invoice
        secret = stripe.v1.invoices.retrieve(
            latest, {"expand": ["confirmation_secret"]}
        ).confirmation_secret.client_secret
        sandbox.test_client().post(f"/bank/{secret}", data={"answer": answer})

    return say


def test_the_bank_may_want_it_confirmed(asked_by_the_bank, owner, paused, stripe, bank, app):
    assert "You were not charged yet, and Team stays paused until you have." in text_of(
        asked_by_the_bank
    )
    assert row_of(asked_by_the_bank, "Resume Team, due today") == "$196.00"
    assert owner.get("/resumption").headers["Location"].endswith("/pending-change")
    bank("complete")
    latest = stripe.v1.subscriptions.retrieve(paused).latest_invoice
    owner.post(f"/invoices/{latest}/bank-confirmation")
    assert status(stripe, paused) == "active"
    assert invoices_of(stripe, paused)[0] == ("paid", 19600)
    assert pause_of(app).ended_at is not None


def test_what_the_bank_has_not_confirmed_within_a_day_is_dropped(
    asked_by_the_bank, paused, stripe, app, clock, sandbox
):
    pass_time(sandbox, clock, clock.now + timedelta(hours=24))
    answer = app.test_cli_runner().invoke(args=["billing", "resume-paused"])
    assert "1 dropped" in answer.output
    assert invoices_of(stripe, paused)[0] == ("void", 19600)
    # Another card, for another purpose, is not charged for it weeks later.
    use_card(app, stripe, paused, "pm_card_visa")
    pass_time(sandbox, clock, clock.now + timedelta(days=10))
    assert status(stripe, paused) == "paused"
    assert invoices_of(stripe, paused)[0] == ("void", 19600)


def test_what_waits_for_the_bank_can_be_dropped(asked_by_the_bank, owner, paused, stripe, app):
    said = after(owner, owner.post("/pending-change/discard"))
    assert "Team stays paused" in said
    assert "not charged" in said
    assert status(stripe, paused) == "paused"
    pull(app, "customer", stripe.v1.subscriptions.retrieve(paused).customer)
    assert balance(app) == -19600


def test_a_lost_answer_charges_nobody_twice(owner, paused, stripe, monkeypatch):
    really = gateway.create

    def lost(*args, **kwargs):
        really(*args, **kwargs)
        raise StripeUnavailable

    quote_id = quote_in(owner.get("/resumption"))
    monkeypatch.setattr(gateway, "create", lost)
    assert owner.post("/resumption", data={"quote": quote_id}).status_code == 503
    monkeypatch.setattr(gateway, "create", really)
    answer = owner.post("/resumption", data={"quote": quote_id})
    assert "$196.00 was charged." in after(owner, answer)
    assert [s for s, _ in invoices_of(stripe, paused)] == ["paid", "paid", "paid"]


def test_an_old_quote_and_one_whose_credit_was_used_charge_nothing(
    owner, paused, stripe, clock, app
):
    old = quote_in(owner.get("/resumption"))
    clock.advance(minutes=31)
    owner.post("/resumption", data={"quote": old})
    other = quote_in(owner.get("/resumption"))
    customer = stripe.v1.subscriptions.retrieve(paused).customer
    stripe.v1.customers.balance_transactions.create(customer, {"amount": 5000, "currency": "usd"})
    assert "Nothing was changed and you were not charged." in after(
        owner, owner.post("/resumption", data={"quote": other})
    )
    assert status(stripe, paused) == "paused"
    assert row_of(owner.get("/resumption"), "Due today") == "$246.00"


def test_a_quote_of_another_account_does_nothing(owner, paused, stripe, people, subscribe):
    mine = quote_in(owner.get("/resumption"))
    people.join("mal@elsewhere.example", "Elsewhere")
    subscribe("Elsewhere", "team")
    stranger = people.sign_in("mal@elsewhere.example")
    stranger.post("/resumption", data={"quote": mine})
    assert status(stripe, paused) == "paused"


def test_a_trial_that_ended_without_a_card_is_resumed_the_same_way(
    people, subscribe, stripe, app, clock, sandbox
):
    people.join(OWNER)
    subscription = subscribe(
        "Northwind",
        "starter",
        trial_period_days=14,
        trial_settings={"end_behavior": {"missing_payment_method": "pause"}},
    )
    customer = stripe.v1.subscriptions.retrieve(subscription).customer
    (card,) = stripe.v1.customers.payment_methods.list(customer).data
    stripe.v1.payment_methods.detach(card.id)
    pass_time(sandbox, clock, clock.now + timedelta(days=15))
    for kind, what in (
        ("subscription", subscription),
        ("payment_method", card.id),
        ("customer", customer),
    ):
        pull(app, kind, what)
    owner = people.sign_in(OWNER)
    home = text_of(owner.get("/"))
    assert "Your trial ended without a payment method, so nothing was charged." in home
    page = owner.get("/resumption")
    assert "You have no payment method." in text_of(page)
    assert not offers_quote(page)
    use_card(app, stripe, subscription, "pm_card_visa")
    assert row_of(owner.get("/resumption"), "Due today, Visa ending 4242") == "$19.00"
    assert "$19.00 was charged." in after(owner, accept(owner, "/resumption"))
    assert in_mirror(app, subscription) == ("demo_starter_month", 1)
    assert status(stripe, subscription) == "active"


def test_what_is_not_paused_is_not_resumed(people, subscribe, catalog):
    owner = people.owner()
    assert owner.get("/resumption").headers["Location"].endswith("/plans")
    subscribe("Northwind", "team")
    assert "Team is not paused. Nothing was changed" in after(owner, owner.get("/resumption"))


def test_an_open_invoice_from_before_comes_first(owner, paused, stripe, app):
    customer = stripe.v1.subscriptions.retrieve(paused).customer
    stripe.v1.invoice_items.create(
        {"customer": customer, "subscription": paused, "amount": 30000, "currency": "usd"}
    )
    made = stripe.v1.invoices.create(
        {"customer": customer, "subscription": paused, "auto_advance": False}
    )
    stripe.v1.invoices.finalize_invoice(made.id)
    pull(app, "invoice", made.id)
    page = owner.get("/resumption")
    assert "First, your open invoice" in text_of(page)
    assert "$104.00 is still open from before." in text_of(page)
    assert not offers_quote(page)


def test_when_stripe_is_down_it_shows_the_list_price(owner, stripe_is_down):
    stripe_is_down()
    page = owner.get("/resumption")
    assert page.status_code == 200
    assert "We cannot work out the exact cost right now." in text_of(page)
    assert row_of(page, "Team, 8 seats, every month") == "$392.00"


def test_only_owners_and_billing_resume(paused, people, client):
    assert "/login" in client.get("/resumption").headers["Location"]
    people.join("viewer@northwind.example", role="viewer")
    viewer = people.sign_in("viewer@northwind.example")
    assert viewer.get("/resumption").status_code == 403
    assert viewer.post("/resumption").status_code == 403

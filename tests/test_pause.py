"""A subscription paused for some months or until resumed, and the day it comes back.

Team is $49 a seat a month. On 4 December at noon half of the month of 8 seats, $392.00, is unused:
$196.00 of credit.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from billing import pauses
from billing.errors import StripeUnavailable
from billing.gateway import pause as gateway
from billing.gateway import resumption as resumption_gateway
from models import AuditEntry, Customer, OutboxEntry, Pause, db
from tests.quote_page import (
    OWNER,
    accept,
    after,
    invoices_of,
    pass_time,
    pull,
    text_of,
    use_card,
)

FEBRUARY = datetime(2027, 2, 4, 12, 0, tzinfo=UTC)


@pytest.fixture
def owner(team, people):
    return people.sign_in(OWNER)


@pytest.fixture
def again(people):
    """A new sign-in, for after so long a time that the old one has ended."""
    return lambda: people.sign_in(OWNER)


@pytest.fixture
def resume_due(app):
    """What the periodic task does: the command, told the time by the clock."""

    def run():
        answer = app.test_cli_runner().invoke(args=["billing", "resume-paused"])
        assert answer.exit_code == 0, answer.output
        return answer.output

    return run


def status(stripe, subscription_id):
    return stripe.v1.subscriptions.retrieve(subscription_id).status


def pause_of(app):
    with app.app_context():
        pause = db.session.query(Pause).order_by(Pause.id.desc()).first()
        db.session.expunge(pause)
        return pause


def balance(app, stripe, subscription_id):
    pull(app, "customer", stripe.v1.subscriptions.retrieve(subscription_id).customer)
    with app.app_context():
        return db.session.query(Customer).one().balance


# The pause itself ---------------------------------------------------------------------------


def test_the_page_says_what_happens_before_anything_does(owner, team, stripe):
    page = text_of(owner.get("/pause"))
    assert "Pause Team" in page
    assert "1 month, until 4 January 2027" in page
    assert "3 months, until 4 March 2027" in page
    assert "Until I resume it" in page
    assert "About $196.00, worked out to the second." in page
    assert "If that fails it stays paused and you owe nothing" in page
    assert status(stripe, team) == "active"


def test_it_is_paused_at_once_and_the_unused_time_is_kept_as_credit(owner, team, stripe, app):
    said = after(owner, owner.post("/pause", data={"months": "2"}))
    assert "Team is paused, and nothing is charged for it." in said
    assert "$196.00 for the time you did not use is kept as your credit." in said
    assert "It resumes by itself on 4 February 2027." in said
    assert status(stripe, team) == "paused"
    assert balance(app, stripe, team) == -19600
    pause = pause_of(app)
    assert (pause.paused_at, pause.resumes_at) == (
        datetime(2026, 12, 4, 12, 0, tzinfo=UTC),
        FEBRUARY,
    )
    with app.app_context():
        assert "subscription.paused" in {e.action for e in db.session.query(AuditEntry)}
    home = text_of(owner.get("/"))
    assert "Team is paused since 4 December." in home
    assert "Credit for unused time" in home
    assert "It resumes by itself on 4 February" in home


def test_months_end_on_the_last_day_where_they_have_no_such_day():
    last = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
    assert pauses.months_later(last, 3) == datetime(2027, 2, 28, 9, 0, tzinfo=UTC)
    assert pauses.months_later(last, 1) == datetime(2026, 12, 30, 9, 0, tzinfo=UTC)
    leap = datetime(2027, 12, 31, 9, 0, tzinfo=UTC)
    assert pauses.months_later(leap, 2) == datetime(2028, 2, 29, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize("typed", ["4", "-1", "", "many", "1.5"])
def test_a_length_that_is_not_offered_pauses_nothing(owner, team, stripe, typed):
    page = owner.post("/pause", data={"months": typed})
    assert page.status_code == 422
    assert status(stripe, team) == "active"


def test_two_presses_pause_once(owner, team, stripe, app):
    owner.post("/pause", data={"months": "1"})
    said = after(owner, owner.post("/pause", data={"months": "3"}))
    assert "is paused" in said
    assert balance(app, stripe, team) == -19600
    with app.app_context():
        assert db.session.query(Pause).count() == 1


def test_a_lost_answer_is_taken_up_and_credits_once(owner, team, stripe, app, monkeypatch):
    really = gateway.create

    def lost(*args, **kwargs):
        really(*args, **kwargs)
        raise StripeUnavailable

    monkeypatch.setattr(gateway, "create", lost)
    page = owner.post("/pause", data={"months": "2"})
    assert page.status_code == 503
    assert "Sending this form again does no harm." in text_of(page)
    monkeypatch.setattr(gateway, "create", really)
    said = after(owner, owner.post("/pause", data={"months": "2"}))
    assert "Team is paused" in said
    assert "4 February 2027" in said
    assert balance(app, stripe, team) == -19600
    assert pause_of(app).paused_at is not None


def test_an_answer_lost_before_stripe_heard_uses_the_same_key_again(
    owner, team, stripe, app, monkeypatch
):
    keys = []
    really = gateway.create

    def never_heard(subscription_id, *, idempotency_key):
        keys.append(idempotency_key)
        raise StripeUnavailable

    monkeypatch.setattr(gateway, "create", never_heard)
    owner.post("/pause", data={"months": "1"})

    def heard(subscription_id, *, idempotency_key):
        keys.append(idempotency_key)
        return really(subscription_id, idempotency_key=idempotency_key)

    monkeypatch.setattr(gateway, "create", heard)
    assert "is paused" in after(owner, owner.post("/pause", data={"months": "2"}))
    assert len(set(keys)) == 1
    assert pause_of(app).resumes_at == FEBRUARY


def test_when_stripe_is_down_the_page_still_says_what_a_pause_is(
    owner, team, stripe, stripe_is_down, app
):
    up = stripe_is_down()
    page = owner.get("/pause")
    assert page.status_code == 200
    assert "we cannot say how much just now" in text_of(page)
    refused = owner.post("/pause", data={"months": "1"})
    assert refused.status_code == 503
    assert "Nothing was changed and you were not charged." in text_of(refused)
    up()
    assert status(stripe, team) == "active"
    with app.app_context():
        assert db.session.query(Pause).count() == 0


def test_a_scheduled_change_is_dropped_and_said_to_be(owner, team, stripe):
    accept(owner, "/plan-change/starter")
    assert "A change of your plan is scheduled. Pausing drops it." in text_of(owner.get("/pause"))
    owner.post("/pause", data={"months": "1"})
    assert status(stripe, team) == "paused"
    assert stripe.v1.subscriptions.retrieve(team).schedule is None


@pytest.mark.parametrize(
    ("plan", "params", "words"),
    [
        ("business", {}, "Business is sold without pauses."),
        ("team", {"trial_period_days": 14}, "a trial cannot be paused"),
        ("team", {"cancel_at_period_end": True}, "Keep it first"),
        (
            "team",
            {"collection_method": "send_invoice", "days_until_due": 14},
            "It is paid by invoice",
        ),
        ("team", {"billing_mode": {"type": "classic"}}, "It is in a state in which"),
    ],
)
def test_what_cannot_be_paused_says_why(people, subscribe, stripe, plan, params, words):
    owner = people.owner()
    subscription = subscribe("Northwind", plan, **params)
    before = status(stripe, subscription)
    assert words in text_of(owner.get("/pause"))
    assert owner.post("/pause", data={"months": "1"}).status_code == 409
    assert status(stripe, subscription) == before


def test_payments_on_hold_are_shown_as_that(owner, team, stripe, app):
    stripe.v1.subscriptions.update(team, {"pause_collection": {"behavior": "void"}})
    pull(app, "subscription", team)
    assert "Your payments are on hold already" in text_of(owner.get("/pause"))
    assert owner.post("/pause", data={"months": "1"}).status_code == 409


def test_without_a_subscription_there_are_plans_to_choose(people, catalog):
    owner = people.owner()
    for answer in (owner.get("/pause"), owner.post("/pause", data={"months": "1"})):
        assert answer.headers["Location"].endswith("/plans")
    assert (
        owner.post("/pause/day", data={"months": "1"}).headers["Location"].endswith("/subscription")
    )


def test_only_owners_and_billing_pause(team, people, client, stripe):
    assert "/login" in client.get("/pause").headers["Location"]
    people.join("viewer@northwind.example", role="viewer")
    viewer = people.sign_in("viewer@northwind.example")
    assert viewer.get("/pause").status_code == 403
    assert viewer.post("/pause", data={"months": "1"}).status_code == 403
    assert viewer.post("/pause/day", data={"months": "1"}).status_code == 403
    assert status(stripe, team) == "active"


# While it is paused -------------------------------------------------------------------------


@pytest.fixture
def paused(owner, team):
    owner.post("/pause", data={"months": "2"})
    return team


def test_the_day_can_be_changed_and_taken_away(paused, owner, app, clock, again):
    shown = owner.get("/pause")
    page = text_of(shown)
    assert re.search(r'<input[^>]*checked[^>]*value="2"', shown.text)
    assert "Team is paused" in page
    assert "$196.00 is kept as your credit" in page
    said = after(owner, owner.post("/pause/day", data={"months": "3"}))
    assert "It resumes by itself on 4 March 2027." in said
    said = after(owner, owner.post("/pause/day", data={"months": "0"}))
    assert "It stays paused until you resume it." in said
    assert pause_of(app).resumes_at is None
    # Days that have passed are not offered, and not taken from a stale form.
    clock.advance(days=40)
    owner = again()
    assert "1 month, until" not in text_of(owner.get("/pause"))
    assert owner.post("/pause/day", data={"months": "1"}).status_code == 422
    assert pause_of(app).resumes_at is None


def test_a_paused_subscription_is_not_changed_but_led_to_resume(paused, owner):
    for url in ("/plan-change/business", "/seats?seats=3"):
        page = owner.get(url)
        assert "Resume it first" in text_of(page)
        assert 'href="/resumption"' in page.text


def test_it_can_be_cancelled_while_paused(paused, owner, stripe, app):
    owner.post("/cancellation", data={"feedback": "unused"})
    assert status(stripe, paused) == "canceled"
    assert pause_of(app).ended_at is not None


def test_nothing_is_billed_over_a_renewal(paused, stripe, clock, sandbox):
    pass_time(sandbox, clock, datetime(2027, 1, 25, tzinfo=UTC))
    assert invoices_of(stripe, paused) == [("paid", 0), ("paid", 39200)]


def test_a_pause_by_somebody_else_has_no_day_and_can_be_resumed(owner, team, stripe, app):
    stripe.v1.subscriptions.pause(team)
    pull(app, "subscription", team)
    page = owner.get("/pause")
    assert "It stays paused until you resume it" in text_of(page)
    assert 'action="/pause/day"' not in page.text
    assert 'href="/resumption"' in page.text


def test_a_new_pause_by_somebody_else_does_not_inherit_the_day(
    paused, owner, stripe, app, clock, resume_due
):
    clock.advance(days=2)
    stripe.v1.subscriptions.resume(paused, {"payment_behavior": "resume_on_payment_success"})
    clock.advance(days=2)
    stripe.v1.subscriptions.pause(paused)
    pull(app, "subscription", paused)
    clock.set(FEBRUARY)
    assert "0 resumed" in resume_due()
    assert status(stripe, paused) == "paused"


# The day agreed on --------------------------------------------------------------------------


def test_on_its_day_it_resumes_and_is_charged_once(
    paused, stripe, app, clock, sandbox, resume_due, again
):
    pass_time(sandbox, clock, FEBRUARY - timedelta(minutes=1))
    assert "0 resumed" in resume_due()
    pass_time(sandbox, clock, FEBRUARY)
    assert "1 resumed" in resume_due()
    assert "0 resumed" in resume_due()
    assert status(stripe, paused) == "active"
    # $392.00 less the credit of $196.00.
    assert invoices_of(stripe, paused) == [("paid", 19600), ("paid", 0), ("paid", 39200)]
    assert pause_of(app).ended_at is not None
    assert "Next charge is $392.00 on 4 March" in text_of(again().get("/"))


def test_a_declined_card_leaves_it_paused_owing_nothing_and_says_so(
    paused, stripe, app, clock, sandbox, resume_due, again
):
    use_card(app, stripe, paused, "pm_card_chargeCustomerFail")
    pass_time(sandbox, clock, FEBRUARY)
    assert "1 refused and still paused" in resume_due()
    assert "0 refused" in resume_due()
    assert status(stripe, paused) == "paused"
    assert invoices_of(stripe, paused)[0] == ("void", 19600)
    assert balance(app, stripe, paused) == -19600
    home = text_of(again().get("/"))
    assert "but on 4 February 2027 your bank refused the payment." in home
    assert "you were not charged for it" in home
    with app.app_context():
        (told,) = db.session.query(OutboxEntry).filter_by(kind="resumption_refused")
        assert told.payload["reason"] == "declined"
    # Weeks later nothing was taken by itself; a new card and a press bring it back.
    use_card(app, stripe, paused, "pm_card_visa")
    pass_time(sandbox, clock, FEBRUARY + timedelta(days=20))
    assert status(stripe, paused) == "paused"
    owner = again()
    assert "$196.00 was charged." in after(owner, accept(owner, "/resumption"))


def test_a_bank_that_wants_a_confirmation_at_night_leaves_it_paused(
    paused, stripe, app, clock, sandbox, resume_due, again
):
    use_card(app, stripe, paused, "pm_card_threeDSecure2Required")
    pass_time(sandbox, clock, FEBRUARY)
    assert "1 refused" in resume_due()
    assert status(stripe, paused) == "paused"
    assert "your bank asked you to confirm the payment" in text_of(again().get("/"))


def test_without_a_method_it_stays_paused(paused, stripe, app, clock, sandbox, resume_due, again):
    customer = stripe.v1.subscriptions.retrieve(paused).customer
    (card,) = stripe.v1.customers.payment_methods.list(customer).data
    stripe.v1.payment_methods.detach(card.id)
    pull(app, "payment_method", card.id)
    pull(app, "customer", customer)
    pass_time(sandbox, clock, FEBRUARY)
    assert "1 refused" in resume_due()
    assert "there was nothing to pay with" in text_of(again().get("/"))


def test_a_silent_stripe_is_asked_again_under_the_same_key(
    paused, stripe, clock, sandbox, resume_due, monkeypatch
):
    pass_time(sandbox, clock, FEBRUARY)
    really, keys = resumption_gateway.create, []

    def lost(subscription_id, *, idempotency_key):
        keys.append(idempotency_key)
        raise StripeUnavailable

    monkeypatch.setattr(resumption_gateway, "create", lost)
    assert "1 to be tried again" in resume_due()

    def heard(subscription_id, *, idempotency_key):
        keys.append(idempotency_key)
        return really(subscription_id, idempotency_key=idempotency_key)

    monkeypatch.setattr(resumption_gateway, "create", heard)
    assert "1 resumed" in resume_due()
    assert len(set(keys)) == 1
    assert [s for s, _ in invoices_of(stripe, paused)] == ["paid", "paid", "paid"]


def test_what_was_resumed_by_hand_before_its_day_is_left_alone(
    paused, owner, stripe, clock, sandbox, resume_due
):
    accept(owner, "/resumption")
    paid = len(invoices_of(stripe, paused))
    clock.set(FEBRUARY)
    assert "0 resumed, 0 refused and still paused, 0 to be tried again" in resume_due()
    assert len(invoices_of(stripe, paused)) == paid


@pytest.mark.parametrize(
    ("account", "words", "ends_as"),
    [
        ("pm_usBankAccount_success", "Next charge is $392.00", "active"),
        (
            "pm_usBankAccount_accountClosed",
            "It was to resume by itself, but on 16 February 2027 your bank refused",
            "paused",
        ),
    ],
)
def test_a_bank_debit_resumes_it_when_it_has_arrived_and_not_when_it_comes_back(
    paused,
    stripe,
    app,
    clock,
    sandbox,
    resume_due,
    deliver_webhooks,
    again,
    account,
    words,
    ends_as,
):
    use_card(app, stripe, paused, account)
    pass_time(sandbox, clock, FEBRUARY)
    assert "0 resumed, 0 refused" in resume_due()
    assert status(stripe, paused) == "paused"
    pass_time(sandbox, clock, FEBRUARY + timedelta(days=2))
    assert "0 resumed, 0 refused" in resume_due()
    pass_time(sandbox, clock, FEBRUARY + timedelta(days=12))
    deliver_webhooks()
    resume_due()
    assert "0 resumed, 0 refused and still paused, 0 to be tried again" in resume_due()
    assert status(stripe, paused) == ends_as
    assert words in text_of(again().get("/"))
    paid = [amount for state, amount in invoices_of(stripe, paused) if state == "paid"]
    assert paid == ([19600, 0, 39200] if ends_as == "active" else [0, 39200])


def test_a_pause_made_before_and_lifted_by_staff_is_not_told_as_made_again(
    owner, team, stripe, app, monkeypatch
):
    made = gateway.create

    def lose_the_answer(*args, **more):
        made(*args, **more)
        raise StripeUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(gateway, "create", lose_the_answer)
        owner.post("/pause", data={"months": "1"})
    use_card(app, stripe, team, "pm_card_visa")
    stripe.v1.subscriptions.resume(
        team,
        {
            "billing_cycle_anchor": {"type": "now"},
            "payment_behavior": "resume_on_payment_success",
        },
    )
    assert status(stripe, team) == "active"
    said = text_of(owner.post("/pause", data={"months": "1"}, follow_redirects=True))
    assert ("Team is paused, and nothing is charged" in said) is (status(stripe, team) == "paused")

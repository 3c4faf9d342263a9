"""Cancelling, what is kept until when, and changing one's mind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from billing.cancellation import REASONS
from billing.gateway.cancellation import Feedback
from models import AuditEntry, db
from tests.quote_page import (
    OWNER,
    accept,
    after,
    at_stripe,
    invoices_of,
    pass_time,
    pull,
    text_of,
    use_card,
)

INVOICED = datetime(2026, 12, 19, 14, 0, tzinfo=UTC)
REASON = {"feedback": "too_expensive", "comment": "Too dear for us."}


@pytest.fixture
def team(people, subscribe):
    people.join(OWNER)
    return subscribe("Northwind", "team", quantity=2)


@pytest.fixture
def owner(team, people):
    return people.sign_in(OWNER)


def test_the_page_asks_why_and_names_the_last_day(owner, stripe_calls):
    before = len(stripe_calls)
    page = text_of(owner.get("/cancellation"))
    assert "You keep Team until 19 December 2026." in page
    assert "Why are you leaving?" in page
    assert "Keep my plan" in page
    assert len(stripe_calls) == before


def test_every_reason_stripe_knows_can_be_given():
    assert {value for value, _ in REASONS} == set(get_args(Feedback))


def test_at_most_one_offer_for_a_reason_and_it_is_a_smaller_bill(owner):
    page = text_of(owner.get("/cancellation"))
    assert "Starter costs $19.00 every month." in page
    assert "Business costs" not in page


def test_cancelling_ends_it_with_the_period_and_keeps_the_reason(owner, team, stripe, app):
    page = after(owner, owner.post("/cancellation", data=REASON))
    assert "Your subscription ends on 19 December 2026." in page
    subscription = stripe.v1.subscriptions.retrieve(team)
    assert (subscription.status, subscription.cancel_at_period_end) == ("active", True)
    assert subscription.cancellation_details.feedback == "too_expensive"
    assert subscription.cancellation_details.comment == "Too dear for us."
    with app.app_context():
        entry = db.session.query(AuditEntry).filter_by(action="subscription.cancelled").one()
        assert entry.after == {"feedback": "too_expensive", "at_period_end": True}


def test_on_its_last_day_it_is_over_and_the_page_offers_plans(
    owner, team, stripe, app, clock, sandbox, people
):
    owner.post("/cancellation", data=REASON)
    pass_time(sandbox, clock, INVOICED)
    pull(app, "subscription", team)
    assert stripe.v1.subscriptions.retrieve(team).status == "canceled"
    assert invoices_of(stripe, team) == [("paid", 9800)]
    owner = people.sign_in(OWNER)
    page = owner.get("/cancellation")
    assert "Your subscription has ended It ended on 19 December 2026." in text_of(page)
    assert 'href="/plans"' in page.get_data(as_text=True)
    assert "ended already" in after(owner, owner.post("/cancellation/undo"))


def test_without_a_reason_nothing_is_cancelled_and_what_was_typed_stays(owner, team, stripe):
    for sent in ({}, {"feedback": "bored"}, {"feedback": "", "comment": "Hm."}):
        page = owner.post("/cancellation", data=sent)
        assert page.status_code == 422
        assert sent.get("comment", "") in text_of(page)
    assert not stripe.v1.subscriptions.retrieve(team).cancel_at_period_end


def test_a_very_long_comment_is_refused_and_kept(owner, team, stripe):
    page = owner.post("/cancellation", data={"feedback": "other", "comment": "x" * 1001})
    assert page.status_code == 422
    assert "under 1,000 characters" in text_of(page)
    assert "x" * 1001 in text_of(page)
    assert not stripe.v1.subscriptions.retrieve(team).cancel_at_period_end


def test_a_change_of_mind_is_possible_until_the_day(owner, team, stripe, clock, people, sandbox):
    owner.post("/cancellation", data=REASON)
    assert "Already cancelled" in text_of(owner.get("/cancellation"))
    clock.set(datetime(2026, 12, 19, 11, 0, tzinfo=UTC))
    owner = people.sign_in(OWNER)
    page = after(owner, owner.post("/cancellation/undo"))
    assert "Team goes on, and nothing was charged today." in page
    subscription = stripe.v1.subscriptions.retrieve(team)
    assert subscription.cancel_at_period_end is False
    assert subscription.cancel_at is None
    assert subscription.cancellation_details.feedback is None
    pass_time(sandbox, clock, INVOICED)
    assert invoices_of(stripe, team) == [("paid", 9800), ("paid", 9800)]


def test_a_cancellation_by_date_as_the_hosted_portal_makes_it_is_undone_too(
    owner, team, stripe, app, clock
):
    stripe.v1.subscriptions.update(
        team, {"cancel_at": int((clock.now + timedelta(days=40)).timestamp())}
    )
    pull(app, "subscription", team)
    assert "Team ends on 29 December 2026" in text_of(owner.get("/cancellation"))
    owner.post("/cancellation/undo")
    assert stripe.v1.subscriptions.retrieve(team).cancel_at is None


def test_cancelling_twice_cancels_once(owner, team, app):
    owner.post("/cancellation", data=REASON)
    answer = owner.post("/cancellation", data=REASON)
    assert "Already cancelled" in after(owner, answer)
    with app.app_context():
        assert db.session.query(AuditEntry).filter_by(action="subscription.cancelled").count() == 1


def test_one_that_ended_at_stripe_meanwhile_is_told_as_ended(owner, team, stripe):
    stripe.v1.subscriptions.cancel(team)
    answer = owner.post("/cancellation", data={"feedback": "other"})
    assert "Your subscription has ended." in after(owner, answer)


def test_it_is_too_late_to_keep_one_that_ended_at_stripe_meanwhile(owner, team, stripe):
    owner.post("/cancellation", data={"feedback": "other"})
    stripe.v1.subscriptions.cancel(team)
    answer = owner.post("/cancellation/undo")
    assert "has ended already" in after(owner, answer)


def test_undoing_what_was_not_cancelled_changes_nothing(owner):
    assert "is not ending" in after(owner, owner.post("/cancellation/undo"))


def test_a_scheduled_change_is_dropped_first_and_the_page_says_so(owner, team, stripe):
    accept(owner, "/plan-change/starter")
    assert "A change of your plan is scheduled. Cancelling drops it too." in text_of(
        owner.get("/cancellation")
    )
    owner.post("/cancellation", data=REASON)
    subscription = stripe.v1.subscriptions.retrieve(team)
    assert subscription.schedule is None
    assert subscription.cancel_at_period_end


def test_an_upgrade_that_waits_for_the_bank_is_dropped_first(owner, team, stripe, app):
    use_card(app, stripe, team, "pm_card_threeDSecure2Required")
    accept(owner, "/plan-change/business")
    owner.post("/cancellation", data=REASON)
    subscription = stripe.v1.subscriptions.retrieve(team)
    assert subscription.pending_update is None
    assert subscription.cancel_at_period_end
    assert at_stripe(stripe, team) == ("demo_team_month", 2)
    assert ("open", 10000) not in invoices_of(stripe, team)


def test_a_cancelled_trial_is_kept_to_its_end_and_never_charged(
    people, subscribe, stripe, clock, sandbox
):
    people.join(OWNER)
    team = subscribe("Northwind", "team", trial_period_days=14)
    owner = people.sign_in(OWNER)
    page = text_of(owner.get("/cancellation"))
    assert "You keep Team until 3 December 2026. Your trial then ends" in page
    owner.post("/cancellation", data=REASON)
    pass_time(sandbox, clock, INVOICED)
    assert stripe.v1.subscriptions.retrieve(team).status == "canceled"
    assert sum(amount for _, amount in invoices_of(stripe, team)) == 0


def test_a_past_due_one_ends_with_its_period_and_the_invoice_stays(
    owner, team, stripe, app, clock, sandbox, people
):
    use_card(app, stripe, team, "pm_card_chargeCustomerFail")
    pass_time(sandbox, clock, INVOICED)
    pull(app, "subscription", team)
    owner = people.sign_in(OWNER)
    page = text_of(owner.get("/cancellation"))
    assert "An invoice is still open. Cancelling does not settle it" in page
    owner.post("/cancellation", data=REASON)
    assert stripe.v1.subscriptions.retrieve(team).cancel_at_period_end


def test_one_that_was_never_paid_for_ends_at_once(people, subscribe, stripe):
    people.join(OWNER)
    team = subscribe(
        "Northwind", "team", card="pm_card_chargeCustomerFail", payment_behavior="allow_incomplete"
    )
    owner = people.sign_in(OWNER)
    assert "it ends at once" in text_of(owner.get("/cancellation"))
    page = after(owner, owner.post("/cancellation", data=REASON))
    assert "Your subscription has ended. Nothing more will be charged for it." in page
    assert stripe.v1.subscriptions.retrieve(team).status in {"canceled", "incomplete_expired"}


def test_when_stripe_is_down_the_form_comes_back_with_everything_typed(
    owner, team, stripe, stripe_is_down
):
    up = stripe_is_down()
    assert owner.get("/cancellation").status_code == 200
    page = owner.post("/cancellation", data=REASON)
    assert page.status_code == 503
    assert "we do not know yet whether this went through" in text_of(page)
    assert "Too dear for us." in text_of(page)
    up()
    assert not stripe.v1.subscriptions.retrieve(team).cancel_at_period_end


def test_only_owners_and_billing_cancel(team, people, client, stripe):
    assert "/login" in client.get("/cancellation").headers["Location"]
    people.join("viewer@northwind.example", role="viewer")
    viewer = people.sign_in("viewer@northwind.example")
    assert viewer.get("/cancellation").status_code == 403
    assert viewer.post("/cancellation", data=REASON).status_code == 403
    assert viewer.post("/cancellation/undo").status_code == 403
    assert not stripe.v1.subscriptions.retrieve(team).cancel_at_period_end


def test_without_a_subscription_there_is_nothing_to_cancel(people, catalog):
    owner = people.owner()
    assert "Nothing to cancel" in text_of(owner.get("/cancellation"))
    assert owner.post("/cancellation", data=REASON).headers["Location"].endswith("/cancellation")

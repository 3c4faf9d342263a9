"""An upgrade whose payment the bank wants confirmed: nothing changes until it is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models import Quote, db
from tests.failed_payment import form_of
from tests.quote_page import (
    OWNER,
    accept,
    after,
    at_stripe,
    in_mirror,
    invoices_of,
    pass_time,
    pull,
    row_of,
    text_of,
    use_card,
)


@pytest.fixture
def team(people, subscribe, app, stripe):
    """Team with one seat, just paid, now on a card that asks its holder every time."""
    people.join(OWNER)
    subscription_id = subscribe("Northwind", "team")
    use_card(app, stripe, subscription_id, "pm_card_threeDSecure2Required")
    return subscription_id


@pytest.fixture
def owner(team, people):
    return people.sign_in(OWNER)


@pytest.fixture
def waiting(owner):
    """An upgrade to Business that was confirmed with us and waits for the bank."""
    answer = accept(owner, "/plan-change/business")
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith("/bank-confirmation?confirm=now")
    return owner.get(answer.headers["Location"])


@pytest.fixture
def page(stripe, team):
    """The address of the page that asks for the confirmation."""
    return f"/invoices/{stripe.v1.subscriptions.retrieve(team).latest_invoice}/bank-confirmation"


@pytest.fixture
def answered(bank, page):
    """Answers the bank's question: `answered("complete")` or `answered("fail")`."""
    return lambda answer: bank(page.split("/")[2], answer)


def test_nothing_changes_before_the_bank_has_its_confirmation(waiting, team, stripe, app):
    assert "You were not charged yet, and you stay on Team until you have." in text_of(waiting)
    # $99 less $49, the whole month ahead.
    assert row_of(waiting, "Change to Business, due today") == "$50.00"
    assert at_stripe(stripe, team) == ("demo_team_month", 1)
    assert in_mirror(app, team) == ("demo_team_month", 1)
    assert invoices_of(stripe, team) == [("open", 5000), ("paid", 4900)]


def test_a_confirmed_payment_makes_the_change_once(
    waiting, owner, page, answered, team, stripe, app
):
    answered("complete")
    assert "You are now on Business." in after(owner, owner.post(page))
    assert at_stripe(stripe, team) == ("demo_business_month", 1)
    assert in_mirror(app, team) == ("demo_business_month", 1)
    assert invoices_of(stripe, team) == [("paid", 5000), ("paid", 4900)]
    with app.app_context():
        quote = db.session.query(Quote).filter(Quote.applied_at.is_not(None)).one()
        assert (quote.amount_due, quote.charged_amount) == (5000, 5000)


def test_looking_too_early_says_that_the_bank_has_not_confirmed(waiting, owner, page):
    said = after(owner, owner.post(page))
    assert "Your bank has not confirmed the payment yet. You were not charged." in said


def test_a_refused_confirmation_leaves_the_old_plan_and_offers_the_other_ways(
    waiting, owner, page, answered, team, stripe
):
    answered("fail")
    said = after(owner, owner.post(page))
    assert "The bank could not confirm that it was you." in said
    assert "You were not charged yet." in said
    assert "Do not change" in said
    assert "Pay $50.00" in said
    assert at_stripe(stripe, team) == ("demo_team_month", 1)


def test_after_a_refused_confirmation_another_card_makes_the_change(
    waiting, owner, page, answered, team, stripe, app, saved
):
    answered("fail")
    owner.post(page)
    invoice = page.removesuffix("/bank-confirmation")
    other = saved("pm_card_visa")
    fields = form_of(owner.get(invoice), f"{invoice}/payment")
    answer = owner.post(f"{invoice}/payment", data={**fields, "payment_method": other})
    assert "Your payment is confirmed. You are now on Business." in after(owner, answer)
    assert in_mirror(app, team) == ("demo_business_month", 1)
    assert invoices_of(stripe, team) == [("paid", 5000), ("paid", 4900)]


def test_the_change_can_be_dropped_and_never_charged(waiting, owner, team, stripe, app):
    page = after(owner, owner.post("/pending-change/discard"))
    assert "The change is dropped. You stay on Team and were not charged." in page
    assert stripe.v1.subscriptions.retrieve(team).pending_update is None
    assert invoices_of(stripe, team) == [("void", 5000), ("paid", 4900)]
    # Afterwards one can begin again.
    use_card(app, stripe, team, "pm_card_visa")
    assert "You now have Business" in after(owner, accept(owner, "/plan-change/business"))


def test_dropping_what_was_confirmed_meanwhile_says_that_it_was_paid(
    waiting, owner, answered, team, stripe
):
    answered("complete")
    assert "You are now on Business." in after(owner, owner.post("/pending-change/discard"))
    assert invoices_of(stripe, team)[0] == ("paid", 5000)


def test_the_overview_and_the_subscription_lead_to_it_while_it_waits(waiting, owner, page):
    for url in ("/", "/subscription"):
        seen = owner.get(url)
        assert "A change waits for your bank." in text_of(seen)
        assert f'href="{page}?confirm=now"' in seen.get_data(as_text=True)
        assert "still to be paid" not in text_of(seen)


def test_its_short_address_leads_to_it(waiting, owner, page):
    assert owner.get("/pending-change").headers["Location"] == page


def test_no_other_change_is_quoted_while_one_waits(waiting, owner):
    for url in ("/plan-change/starter", "/seats?seats=3"):
        assert owner.get(url).headers["Location"].endswith("/pending-change")


def test_left_alone_it_expires_uncharged(waiting, owner, team, stripe, clock, sandbox, app, people):
    pass_time(sandbox, clock, clock.now + timedelta(hours=24))
    assert invoices_of(stripe, team) == [("void", 5000), ("paid", 4900)]
    pull(app, "subscription", team)
    owner = people.sign_in(OWNER)
    assert owner.get("/pending-change").headers["Location"].endswith("/subscription")


def test_when_stripe_is_down_the_page_still_says_what_waits(waiting, owner, page, stripe_is_down):
    stripe_is_down()
    assert "You were not charged yet" in text_of(owner.get(page))
    assert "we do not know yet" in after(owner, owner.post(page))
    assert owner.post("/pending-change/discard").status_code == 503


def test_only_owners_and_billing_see_it(team, people, client):
    assert "/login" in client.get("/pending-change").headers["Location"]
    people.join("viewer@northwind.example", role="viewer")
    viewer = people.sign_in("viewer@northwind.example")
    assert viewer.get("/pending-change").status_code == 403
    assert viewer.post("/pending-change/discard").status_code == 403


def test_a_stale_tab_hears_of_no_confirmed_payment_when_none_was_asked_for(owner, team, stripe):
    said = after(owner, owner.post("/pending-change/discard"))
    assert "No change is waiting for your bank." in said
    assert "confirmed" not in said

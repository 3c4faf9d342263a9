"""An upgrade whose payment the bank wants confirmed: nothing changes until it is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models import Quote, db
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
    assert "/pending-change" in answer.headers["Location"]
    return owner.get(answer.headers["Location"])


@pytest.fixture
def bank(sandbox, stripe, team):
    """Answers the bank's question: `bank("complete")` or `bank("fail")`."""

    def say(answer):
        invoice = stripe.v1.subscriptions.retrieve(team).latest_invoice
        secret = stripe.v1.invoices.retrieve(
            invoice, {"expand": ["confirmation_secret"]}
        ).confirmation_secret.client_secret
        sandbox.test_client().post(f"/bank/{secret}", data={"answer": answer})

    return say


def test_nothing_changes_before_the_bank_has_its_confirmation(waiting, team, stripe, app):
    assert "You were not charged yet, and you stay on Team until you have." in text_of(waiting)
    # $99 less $49, the whole month ahead.
    assert row_of(waiting, "Change to Business, due today") == "$50.00"
    assert at_stripe(stripe, team) == ("demo_team_month", 1)
    assert in_mirror(app, team) == ("demo_team_month", 1)
    assert invoices_of(stripe, team) == [("open", 5000), ("paid", 4900)]


def test_the_page_leads_to_the_bank_with_and_without_a_script(waiting, team, stripe):
    invoice = stripe.v1.invoices.retrieve(
        stripe.v1.subscriptions.retrieve(team).latest_invoice, {"expand": ["confirmation_secret"]}
    )
    body = waiting.get_data(as_text=True)
    assert f'href="{invoice.hosted_invoice_url}"' in body
    assert f'data-client-secret="{invoice.confirmation_secret.client_secret}"' in body


def test_another_member_gets_the_link_but_not_the_secret(waiting, people):
    people.join("bill@northwind.example", role="billing")
    page = people.sign_in("bill@northwind.example").get("/pending-change")
    assert "Confirm with your bank" in text_of(page)
    assert "client-secret" not in page.get_data(as_text=True)


def test_a_confirmed_payment_makes_the_change_once(waiting, owner, bank, team, stripe, app):
    bank("complete")
    assert "You are now on Business." in after(owner, owner.post("/pending-change"))
    assert at_stripe(stripe, team) == ("demo_business_month", 1)
    assert in_mirror(app, team) == ("demo_business_month", 1)
    assert invoices_of(stripe, team) == [("paid", 5000), ("paid", 4900)]
    with app.app_context():
        quote = db.session.query(Quote).filter(Quote.applied_at.is_not(None)).one()
        assert (quote.amount_due, quote.charged_amount) == (5000, 5000)


def test_looking_too_early_says_that_the_bank_has_not_confirmed(waiting, owner):
    page = after(owner, owner.post("/pending-change"))
    assert "Your bank has not confirmed the payment yet. You were not charged." in page


def test_a_refused_confirmation_leaves_the_old_plan(waiting, owner, bank, team, stripe):
    bank("fail")
    assert "You were not charged." in after(owner, owner.post("/pending-change"))
    assert at_stripe(stripe, team) == ("demo_team_month", 1)


def test_the_change_can_be_dropped_and_never_charged(waiting, owner, team, stripe, app):
    page = after(owner, owner.post("/pending-change/discard"))
    assert "The change is dropped. You stay on Team and were not charged." in page
    assert stripe.v1.subscriptions.retrieve(team).pending_update is None
    assert invoices_of(stripe, team) == [("void", 5000), ("paid", 4900)]
    # Afterwards one can begin again.
    use_card(app, stripe, team, "pm_card_visa")
    assert "You now have Business" in after(owner, accept(owner, "/plan-change/business"))


def test_dropping_what_was_confirmed_meanwhile_says_that_it_was_paid(
    waiting, owner, bank, team, stripe
):
    bank("complete")
    assert "You are now on Business." in after(owner, owner.post("/pending-change/discard"))
    assert invoices_of(stripe, team)[0] == ("paid", 5000)


def test_the_overview_and_the_subscription_lead_to_it_while_it_waits(waiting, owner):
    for url in ("/", "/subscription"):
        page = owner.get(url)
        assert "A change waits for your bank." in text_of(page)
        assert 'href="/pending-change"' in page.get_data(as_text=True)
        assert "still to be paid" not in text_of(page)


def test_no_other_change_is_quoted_while_one_waits(waiting, owner):
    for url in ("/plan-change/starter", "/seats?seats=3"):
        assert owner.get(url).headers["Location"].endswith("/pending-change")


def test_left_alone_it_expires_uncharged(waiting, owner, team, stripe, clock, sandbox, app, people):
    pass_time(sandbox, clock, clock.now + timedelta(hours=24))
    assert invoices_of(stripe, team) == [("void", 5000), ("paid", 4900)]
    pull(app, "subscription", team)
    owner = people.sign_in(OWNER)
    assert owner.get("/pending-change").headers["Location"].endswith("/subscription")


def test_when_stripe_is_down_the_page_still_says_what_waits(waiting, owner, stripe_is_down):
    stripe_is_down()
    assert "You were not charged yet" in text_of(owner.get("/pending-change"))
    assert owner.post("/pending-change/discard").status_code == 503


def test_only_owners_and_billing_see_it(team, people, client):
    assert "/login" in client.get("/pending-change").headers["Location"]
    people.join("viewer@northwind.example", role="viewer")
    viewer = people.sign_in("viewer@northwind.example")
    assert viewer.get("/pending-change").status_code == 403
    assert viewer.post("/pending-change").status_code == 403
    assert viewer.post("/pending-change/discard").status_code == 403


@pytest.mark.parametrize("path", ["/pending-change", "/pending-change/discard"])
def test_a_stale_tab_hears_of_no_confirmed_payment_when_none_was_asked_for(
    owner, team, stripe, path
):
    page = after(owner, owner.post(path))
    assert "No change is waiting for your bank." in page
    stripe.v1.subscriptions.cancel(team)
    page = after(owner, owner.post("/pending-change"))
    assert "Your subscription has ended" in page
    assert "confirmed" not in page

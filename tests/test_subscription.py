"""The subscription's own page: everything about it, and everything that can be done with it."""

from __future__ import annotations

import html
import re

from models import Subscription, db


def text_of(page):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def test_it_shows_plan_price_dates_and_the_next_charge(people, subscribe):
    owner = people.owner()
    subscribe("Northwind", "team", quantity=8)
    page = text_of(owner.get("/subscription"))
    assert "Plan Team, monthly" in page
    assert "Amount $392.00 Date 19 December 2026 Why Monthly renewal. How Visa ending 4242" in page


def test_it_leads_to_every_change(people, subscribe):
    owner = people.owner()
    subscribe("Northwind", "team", quantity=8)
    page = owner.get("/subscription").text
    for path in ("/plans", "/seats", "/cancellation", "/payment-methods"):
        assert f'href="{path}"' in page


def test_who_only_reads_is_offered_no_changes(people, subscribe):
    people.owner()
    subscribe("Northwind", "team", quantity=8)
    people.join("eva@northwind.example", role="viewer")
    page = people.sign_in("eva@northwind.example").get("/subscription").text
    for path in ("/seats", "/cancellation", "/payment-methods"):
        assert f'href="{path}"' not in page


def test_an_ending_subscription_says_until_when_and_can_be_kept(app, people, subscribe):
    owner = people.owner()
    subscribe("Northwind", "team")
    with app.app_context():
        db.session.query(Subscription).one().cancel_at_period_end = True
        db.session.commit()
    page = text_of(owner.get("/subscription"))
    assert "Status Active Ending" in page
    assert "Ends on 19 December 2026" in page
    assert "None. You are not charged again." in page
    assert "Keep Team" in page
    assert "Cancel subscription" not in page


def test_without_one_it_says_what_will_appear(people, catalog):
    page = people.owner().get("/subscription")
    assert page.status_code == 200
    assert "once you subscribe" in page.text


def test_a_visitor_signs_in_first(client):
    assert "/login" in client.get("/subscription").location


def test_it_renders_with_stripe_down(people, subscribe, stripe_is_down):
    owner = people.owner()
    subscribe("Northwind", "team", quantity=8)
    stripe_is_down()
    for path in ("/", "/plans", "/subscription"):
        assert owner.get(path).status_code == 200

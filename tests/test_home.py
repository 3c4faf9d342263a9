"""The overview around its first sentence: invoices, plan, payment method, billing details."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta

from models import Invoice, Membership, PaymentMethod, Subscription, db


def text_of(page):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def test_the_plan_is_told_in_facts(people, subscribe):
    owner = people.owner()
    subscribe("Northwind", "team", quantity=8)
    page = text_of(owner.get("/"))
    for fact in (
        "Plan Team, monthly",
        "Status Active",
        "Seats 8 of up to 25",
        "Price $49.00 a seat a month",
        "Renews on 19 December 2026",
        "Subscribed since 19 November 2026",
    ):
        assert fact in page


def test_the_latest_invoices_are_listed_newest_first_without_drafts(app, people, subscribe):
    owner = people.owner()
    subscribe("Northwind", "team", quantity=8)
    with app.app_context():
        first = db.session.query(Invoice).one()
        for number in range(7):
            copy = {c.key: getattr(first, c.key) for c in Invoice.__table__.columns}
            copy |= {
                "stripe_id": f"in_{number}",
                "number": f"NW-{number}",
                "created": first.created - timedelta(days=30 * (number + 1)),
                "status": "draft" if number == 6 else "paid",
            }
            db.session.add(Invoice(**copy))
        db.session.commit()
    page = text_of(owner.get("/"))
    assert "All 7 invoices" in page
    assert page.index("NW-0") < page.index("NW-3")
    assert "NW-4" not in page
    assert "Team · 8 seats" in page


def test_a_refused_invoice_says_whether_it_is_tried_again(app, people, subscribe):
    owner = people.owner()
    subscribe("Northwind", "team")
    with app.app_context():
        invoice = db.session.query(Invoice).one()
        invoice.status, invoice.attempt_count = "open", 1
        invoice.next_payment_attempt = datetime(2026, 11, 22, tzinfo=UTC)
        db.session.commit()
    assert "Failed, retrying" in text_of(owner.get("/"))


def test_unpaid_invoices_of_an_ended_subscription_are_not_forgotten(app, people, subscribe):
    owner = people.owner()
    subscribe("Northwind", "team", quantity=8)
    with app.app_context():
        db.session.query(Subscription).one().status = "canceled"
        invoice = db.session.query(Invoice).one()
        invoice.status, invoice.amount_remaining = "open", 39200
        db.session.commit()
    assert "1 invoice is still to be paid, $392.00" in text_of(owner.get("/"))


def test_a_card_about_to_expire_is_marked(app, people, subscribe):
    owner = people.owner()
    subscribe("Northwind", "team")
    with app.app_context():
        card = db.session.query(PaymentMethod).one()
        card.exp_month, card.exp_year = 12, 2026
        db.session.commit()
    assert "Visa ending 4242 Expires 12/2026 · expires soon" in text_of(owner.get("/"))


def test_billing_details_show_what_stands_on_invoices(people, subscribe, stripe, deliver_webhooks):
    owner = people.owner()
    subscribe("Northwind", "team")
    customer = stripe.v1.customers.list({}).data[0].id
    stripe.v1.customers.update(
        customer,
        {
            "name": "Northwind Traders GmbH",
            "address": {
                "line1": "Lindenstr. 4",
                "postal_code": "10969",
                "city": "Berlin",
                "country": "DE",
            },
        },
    )
    stripe.v1.customers.tax_ids.create(customer, {"type": "eu_vat", "value": "DE123456789"})
    deliver_webhooks()
    page = text_of(owner.get("/"))
    assert "Northwind Traders GmbH Lindenstr. 4, 10969 Berlin, Germany" in page
    assert "EU VAT DE123456789" in page
    assert "billing@northwind.example" in page


def test_a_new_account_sees_what_will_appear(people, catalog):
    page = text_of(people.owner().get("/"))
    assert "No invoices yet They appear here the moment you subscribe." in page
    assert "You are asked for one when you subscribe." in page


def test_another_accounts_things_are_never_shown(people, subscribe):
    people.owner()
    subscribe("Northwind", "team", quantity=8)
    stranger = people.owner("mal@elsewhere.example", "Elsewhere")
    page = text_of(stranger.get("/"))
    assert "You have no subscription yet." in page
    assert "4242" not in page
    assert "Northwind" not in page


def test_someone_who_belongs_to_no_account_is_offered_to_open_one(app, people, catalog):
    owner = people.owner()
    with app.app_context():
        db.session.query(Membership).delete()
        db.session.commit()
    page = owner.get("/")
    assert "You belong to no account. Open one of your own" in text_of(page)
    assert 'href="/accounts/new"' in page.text
    plans = owner.get("/plans").text
    assert 'href="/accounts/new"' in plans
    assert "Choose Team" not in plans


def test_staff_without_an_account_are_led_to_their_own_pages(people, catalog):
    femi = people.staff_member("femi@tidewater.example", "finance")
    assert femi.get("/").headers["Location"] == "/admin"
    refused = femi.get("/invoices")
    assert refused.status_code == 403
    assert "you belong to none" in text_of(refused)
    plans = text_of(femi.get("/plans"))
    assert "You are staff and belong to no account" in plans
    assert "Choose Team" not in plans

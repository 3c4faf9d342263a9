"""`flask billing generate-accounts` and `index-accounts`."""

from __future__ import annotations

import dataclasses

import pytest

from billing.generated_accounts import generate
from models import (
    Account,
    CustomerTerm,
    Invoice,
    PaymentReference,
    SearchTerm,
    Subscription,
    WebhookEvent,
    db,
)

COMMAND = ["billing", "generate-accounts", "--accounts"]


@pytest.fixture
def run(app):
    return app.test_cli_runner().invoke


def terms():
    found = db.session.query(SearchTerm.term, SearchTerm.account_id)
    return sorted((term, account_id) for term, account_id in found)


def test_accounts_are_written_with_all_that_belongs_to_them(app, run, people):
    done = run(args=[*COMMAND, "200", "--invoices", "3"])
    assert done.exit_code == 0, done.output
    assert "200 accounts in" in done.output
    assert "rows a second" in done.output
    staff = people.staff_member("staff@tidewater.example", "support")
    with app.app_context():
        assert db.session.query(Account).count() == 200
        statuses = {status for (status,) in db.session.query(Subscription.status)}
        assert {"active", "past_due", "canceled", "trialing"} <= statuses
        invoices = db.session.query(Invoice).count()
        assert 300 < invoices < 900
        assert db.session.query(PaymentReference).count() == invoices
        failing = db.session.query(Subscription).filter_by(status="past_due").first()
        number = failing.customer.account.id
        name = failing.customer.account.name
    assert staff.get("/admin/customers?failed=y").status_code == 200
    page = staff.get(f"/admin/customers/{number}").get_data(as_text=True)
    assert name in page
    assert "did not go through" in page


def test_the_same_seed_gives_the_same_accounts(app):
    def made():
        return [
            (account.id, account.name, account.stripe_customer_id)
            for account in db.session.query(Account).order_by(Account.id)
        ]

    with app.app_context():
        generate(30, seed=5)
        first = made()
        db.drop_all()
        db.create_all()
        generate(30, seed=5)
        assert made() == first
        db.drop_all()
        db.create_all()
        generate(30, seed=6)
        assert made() != first


def test_it_is_refused_where_real_data_is_unless_told(app, run, people):
    people.join("ada@sea.example", "Northwind")
    refused = run(args=[*COMMAND, "10"])
    assert refused.exit_code == 1
    assert "Nothing was written" in refused.output
    with app.app_context():
        assert db.session.query(Account).count() == 1
    told = run(args=[*COMMAND, "10", "--beside-real-data"])
    assert told.exit_code == 0, told.output
    with app.app_context():
        assert db.session.query(Account).count() == 11


@pytest.mark.parametrize(
    "wrong", [{"environment": "production"}, {"stripe_secret_key": "sk_live_1"}]
)
def test_it_is_refused_in_production_and_with_a_live_key(app, run, wrong):
    app.config["SETTINGS"] = dataclasses.replace(app.config["SETTINGS"], **wrong)
    for more in ([], ["--beside-real-data"]):
        refused = run(args=[*COMMAND, "10", *more])
        assert refused.exit_code == 1
        assert "never go into production" in refused.output
    with app.app_context():
        assert db.session.query(Account).count() == 0


def test_what_was_there_before_the_search_is_indexed_by_a_command(
    app, run, stripe, subscribe, people, deliver_webhooks
):
    people.join("ada@sea.example", "Northwind")
    subscribe()
    stripe.v1.customers.create({"name": "Jane Roe"})
    deliver_webhooks()
    with app.app_context():
        before = terms()
        alone = db.session.query(CustomerTerm).count()
        payments = db.session.query(PaymentReference).count()
        named = db.session.query(WebhookEvent).filter(WebhookEvent.customer_id.is_not(None)).count()
        assert before
        assert alone
        assert payments
        assert named
        for model in (SearchTerm, CustomerTerm, PaymentReference):
            db.session.query(model).delete()
        db.session.add(SearchTerm(term="stale", account_id=1))
        db.session.query(WebhookEvent).update({WebhookEvent.customer_id: None})
        db.session.commit()
    done = run(args=["billing", "index-accounts"])
    assert done.exit_code == 0, done.output
    with app.app_context():
        assert terms() == before
        assert db.session.query(CustomerTerm).count() == alone
        assert db.session.query(PaymentReference).count() == payments
        known = WebhookEvent.customer_id.is_not(None)
        assert db.session.query(WebhookEvent).filter(known).count() == named

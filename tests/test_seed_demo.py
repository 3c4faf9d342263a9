"""`flask billing seed-demo`: people and plans to look at, never with a known password in public."""

import dataclasses

import pytest

from billing import create_app
from models import Account, Invoice, Product, User

PEOPLE = {
    "owner@demo.example",
    "new@demo.example",
    "admin@demo.example",
    "support@demo.example",
    "finance@demo.example",
}


def seed(app, *options):
    return app.test_cli_runner().invoke(args=["billing", "seed-demo", *options])


def test_it_makes_the_plans_the_people_and_a_subscriber_with_invoices(app, db_session, client):
    result = seed(app)
    assert result.exit_code == 0, result.output
    assert {user.email for user in db_session.query(User)} == PEOPLE
    assert [plan.name for plan in Product.offered()] == ["Starter", "Team", "Business"]
    account = db_session.query(Account).filter_by(name="Northwind Traders").one()
    assert account.subscription.status == "active"
    assert account.subscription.quantity == 8
    # 250.00 for the workshop, 5 x 49.00, then 3 x 49.00 for a whole month.
    paid = sorted(invoice.amount_paid for invoice in db_session.query(Invoice))
    assert paid == [14700, 24500, 25000]
    answer = client.post(
        "/login", data={"email": "owner@demo.example", "password": "demo-portal-2026"}
    )
    assert answer.status_code == 302


def test_a_second_run_changes_nothing(app, db_session, stripe_calls):
    seed(app)
    assert seed(app).exit_code == 0
    assert db_session.query(User).count() == len(PEOPLE)
    assert db_session.query(Invoice).count() == 3


@pytest.mark.parametrize("key", ["sk_test_51Real", "sk_live_51Real"])
def test_with_a_real_stripe_key_the_seed_refuses_the_known_password(settings, stripe_calls, key):
    real = dataclasses.replace(
        settings, stripe_api_base="https://api.stripe.com", stripe_secret_key=key
    )
    app = create_app(real)
    result = seed(app)
    assert result.exit_code == 1
    assert "demo" in result.output
    assert len(stripe_calls) == 0


def test_a_live_account_is_never_seeded_whatever_the_password(settings, stripe_calls):
    live = dataclasses.replace(
        settings, stripe_api_base="https://api.stripe.com", stripe_secret_key="sk_live_51Real"
    )
    result = seed(create_app(live), "--password", "a-password-of-my-own")
    assert result.exit_code == 1
    assert len(stripe_calls) == 0

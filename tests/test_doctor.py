"""`flask billing doctor` says what is wrong, one line each, and fails when anything is."""

import dataclasses
from datetime import timedelta

import pytest

from billing import create_app
from billing.commands.doctor import MOST_SKEW_SECONDS


@pytest.fixture
def migrated(bare_settings, stripe_calls):
    from flask_migrate import upgrade

    app = create_app(bare_settings)
    with app.app_context():
        upgrade()
    return app


def doctor(app, *options):
    return app.test_cli_runner().invoke(args=["billing", "doctor", *options])


def test_a_set_up_portal_is_healthy(migrated):
    assert migrated.test_cli_runner().invoke(args=["billing", "stripe-setup"]).exit_code == 0
    result = doctor(migrated)
    assert "PROBLEM" not in result.output
    assert result.exit_code == 0
    for checked in ("settings", "keys", "webhook secret", "database", "migrations", "clock"):
        assert f"ok       {checked}" in result.output


def test_a_missing_webhook_endpoint_is_a_problem_with_its_remedy(migrated):
    result = doctor(migrated)
    assert result.exit_code == 1
    assert "webhook endpoint: none at http://127.0.0.1:8000/webhooks/stripe; run stripe-setup" in (
        result.output
    )


def test_an_endpoint_that_misses_event_types_is_a_problem(migrated, stripe):
    stripe.v1.webhook_endpoints.create(
        {"url": "http://127.0.0.1:8000/webhooks/stripe", "enabled_events": ["invoice.paid"]}
    )
    assert "event types; run stripe-setup" in doctor(migrated).output


def test_pending_migrations_are_a_problem(app):
    result = doctor(app)
    assert result.exit_code == 1
    assert "run flask db upgrade" in result.output


def test_a_refused_key_is_a_problem_and_never_printed(settings, stripe_calls):
    app = create_app(dataclasses.replace(settings, stripe_secret_key="sk_live_51Wrong"))
    result = doctor(app)
    assert result.exit_code == 1
    assert "STRIPE_SECRET_KEY" in result.output
    assert "sk_live_51Wrong" not in result.output


def test_a_database_that_does_not_answer_is_a_problem(settings, stripe_calls):
    app = create_app(dataclasses.replace(settings, database_url="sqlite:////nowhere/portal.db"))
    result = doctor(app)
    assert result.exit_code == 1
    assert "PROBLEM  database: does not answer" in result.output


def test_a_clock_that_is_off_stripes_is_a_problem(migrated, clock, monkeypatch):
    # The sandbox answers with this machine's time in its Date header; the portal's is moved.
    off = timedelta(seconds=MOST_SKEW_SECONDS + 60)
    monkeypatch.setattr("billing.gateway.account.stripe_time", lambda account: clock.now - off)
    result = doctor(migrated)
    assert result.exit_code == 1
    assert "clock: 90 seconds off Stripe's" in result.output


def test_settings_alone_are_checked_without_calling_stripe(migrated, stripe_calls):
    before = len(stripe_calls)
    assert doctor(migrated, "--settings-only").exit_code == 0
    assert len(stripe_calls) == before

"""A renewal whose payment failed is remembered, however it was paid in the end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models import FailedPayment, Invoice, db
from tests.market import FAILING, Market

RENEWAL = datetime(2026, 12, 19, 12, 0, tzinfo=UTC)


@pytest.fixture
def markets(app: Any, sandbox: Any, stripe: Any, clock: Any, catalog: None) -> Any:
    settings = app.config["SETTINGS"]
    yield lambda **how: Market(app, sandbox, stripe, clock, **how)
    app.config["SETTINGS"] = settings


def failed(app: Any) -> list[tuple[str, str]]:
    """What is remembered: the reason and the status of each invoice."""
    with app.app_context():
        invoices = db.session.query(Invoice).join(
            FailedPayment, FailedPayment.invoice_id == Invoice.stripe_id
        )
        return [(one.billing_reason, one.status) for one in invoices]


def test_one_paid_by_hand_within_minutes_is_remembered_when_it_was_seen_failing(markets, app):
    market = markets()
    market.subscribes("Ada")
    market.pays_with("Ada", FAILING)
    market.until(RENEWAL + timedelta(hours=1, minutes=5))
    assert failed(app) == [("subscription_cycle", "open")]
    market.makes_good("Ada")
    assert failed(app) == [("subscription_cycle", "paid")]


def test_one_paid_by_hand_later_is_told_by_its_invoice(markets, app):
    market = markets(hears=False)
    market.subscribes("Ada")
    market.pays_with("Ada", FAILING)
    market.until(RENEWAL + timedelta(hours=8))
    market.makes_good("Ada")
    market.asks_stripe_for_everything()
    assert failed(app) == [("subscription_cycle", "paid")]


def test_renewals_paid_at_once_and_first_payments_are_no_failures(markets, app):
    market = markets()
    market.subscribes("Ada")
    market.subscribes("Bob", payment_behavior="default_incomplete")
    market.until(RENEWAL + timedelta(days=40))
    assert failed(app) == []


def test_the_command_finds_what_nobody_noted(markets, app):
    market = markets()
    market.subscribes("Ada")
    market.pays_with("Ada", FAILING)
    market.until(RENEWAL + timedelta(days=2))
    with app.app_context():
        db.session.execute(FailedPayment.__table__.delete())
        db.session.commit()
    ran = app.test_cli_runner().invoke(args=["billing", "rebuild-history"])
    assert ran.exit_code == 0, ran.output
    assert failed(app) == [("subscription_cycle", "open")]

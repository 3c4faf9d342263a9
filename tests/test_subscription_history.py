"""What a subscription was worth is kept as it changes, and found again from what Stripe keeps."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from models import SubscriptionState, db
from tests.market import FAILING, Market


def on(month: int, day: int, year: int = 2027, hour: int = 12) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


@pytest.fixture
def market(app: Any, sandbox: Any, stripe: Any, clock: Any, catalog: None) -> Any:
    settings = app.config["SETTINGS"]
    yield Market(app, sandbox, stripe, clock)
    app.config["SETTINGS"] = settings


def test_seats_plans_a_pause_and_the_end_are_kept_with_their_moments(market):
    market.subscribes("Ada", seats=3)
    market.until(on(12, 1, 2026))
    market.changes("Ada", seats=5)
    market.until(on(1, 5))
    market.changes("Ada", plan="business", seats=5)
    market.until(on(2, 2))
    market.changes("Ada", plan="business", seats=2, interval="year")
    market.until(on(3, 3))
    market.pauses("Ada")
    market.until(on(4, 4))
    market.resumes("Ada")
    market.until(on(5, 5))
    market.leaves("Ada")
    seen = market.past("Ada")
    assert seen == [
        ("2026-11-19 12:00", "active", "team", 3, 14700),
        ("2026-12-01 12:00", "active", "team", 5, 24500),
        ("2027-01-05 12:00", "active", "business", 5, 49500),
        ("2027-02-02 12:00", "active", "business", 2, 16500),
        ("2027-03-03 12:00", "paused", "business", 2, 0),
        ("2027-04-04 12:00", "active", "business", 2, 16500),
        ("2027-05-05 12:00", "canceled", "business", 2, 0),
    ]
    market.forgets_and_rebuilds()
    assert market.past("Ada") == seen


def test_a_trial_is_worth_nothing_until_it_ends(market):
    market.subscribes("Ada", trial_period_days=14)
    market.until(on(1, 1))
    expected = [
        ("2026-11-19 12:00", "trialing", "team", 1, 0),
        ("2026-12-03 12:00", "active", "team", 1, 4900),
    ]
    assert market.past("Ada") == expected
    market.forgets_and_rebuilds()
    assert market.past("Ada") == expected


def test_a_discount_that_ends_needs_nobody_to_notice(market):
    market.subscribes("Ada")
    market.until(on(12, 1, 2026))
    market.takes("Ada", "repeating", percent_off=50)
    expected = [
        ("2026-11-19 12:00", "active", "team", 1, 4900),
        ("2026-12-01 12:00", "active", "team", 1, 2450),
        ("2027-02-01 12:00", "active", "team", 1, 4900),
    ]
    assert market.past("Ada") == expected
    market.until(on(3, 3))
    assert market.past("Ada") == expected
    market.forgets_and_rebuilds()
    assert market.past("Ada") == expected


def test_a_discount_that_took_anothers_place_is_found_with_its_moment(market):
    market.subscribes("Ada")
    market.takes("Ada", percent_off=20)
    market.until(on(1, 1))
    market.takes("Ada", percent_off=50)
    market.until(on(2, 2))
    seen = market.past("Ada")
    assert [(row[0], row[-1]) for row in seen] == [
        ("2026-11-19 12:00", 3920),
        ("2027-01-01 12:00", 2450),
    ]
    market.forgets_and_rebuilds()
    assert market.past("Ada") == seen


def test_past_due_counts_until_it_ends(market):
    market.subscribes("Ada")
    market.pays_with("Ada", FAILING)
    market.until(on(3, 1))
    seen = market.past("Ada")
    assert seen[0] == ("2026-11-19 12:00", "active", "team", 1, 4900)
    assert [row[1:] for row in seen[1:]] == [("canceled", "team", 1, 0)]
    market.forgets_and_rebuilds()
    assert market.past("Ada") == seen


def test_a_first_payment_that_never_comes_is_worth_nothing(market):
    market.subscribes("Ada", payment_behavior="default_incomplete")
    market.until(on(1, 1))
    seen = market.past("Ada")
    assert [row[1:] for row in seen] == [
        ("incomplete", "team", 1, 0),
        ("incomplete_expired", "team", 1, 0),
    ]
    market.forgets_and_rebuilds()
    assert market.past("Ada") == seen


def test_what_was_seen_stays_when_the_past_is_worked_out_again(market):
    market.subscribes("Ada", seats=3)
    market.until(on(12, 1, 2026))
    # Billed with the next invoice: nothing at Stripe tells of it before.
    found = market.current("Ada")
    item = found["items"].data[0]
    market._update(found.id, items=[{"id": item.id, "quantity": 4}], proration_behavior="none")
    seen = market.past("Ada")
    assert [row[-1] for row in seen] == [14700, 19600]
    market.until(on(12, 5, 2026))
    market.rebuilds()
    market.rebuilds()
    assert market.past("Ada") == seen


def test_the_command_works_out_one_or_all(market, app):
    subscription = market.subscribes("Ada", seats=3)
    market.subscribes("Bob")
    market.until(on(12, 1, 2026))
    market.changes("Ada", seats=5)
    seen = market.past()
    run = app.test_cli_runner().invoke
    with app.app_context():
        db.session.execute(SubscriptionState.__table__.delete())
        db.session.commit()
    assert run(args=["billing", "rebuild-history", subscription]).exit_code == 0
    assert market.past() == [row for row in seen if row[0] == "Ada"]
    assert run(args=["billing", "rebuild-history"]).exit_code == 0
    assert market.past() == seen
    unknown = run(args=["billing", "rebuild-history", "sub_nobody"])
    assert unknown.exit_code == 1
    assert "The mirror holds no subscription sub_nobody." in unknown.output


def test_events_late_and_twice_change_nothing(market, deliver, stripe, app):
    market.subscribes("Ada", seats=3)
    market.until(on(1, 1))
    market.changes("Ada", seats=2)
    market.leaves("Ada")
    seen = market.past()
    told = list(stripe.v1.events.list({"limit": 100}).auto_paging_iter())
    secret = app.config["SETTINGS"].stripe_webhook_secrets[0]
    for event in told[:40]:
        body = {**event.to_dict(for_json=True), "id": f"{event.id}_again"}
        assert deliver(body, secret).status_code == 200
    assert market.past() == seen

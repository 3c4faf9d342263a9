"""Time for free: a trial that goes on, or a free period after the one that is paid."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.quote_page import pass_time
from tests.staff import Desk, agreed, words


@pytest.fixture
def path(desk):
    return desk.path("trial-extension")


def test_after_the_paid_period_a_free_one_follows_and_nothing_is_charged_before_its_end(
    desk, stripe, path, team, sandbox, clock
):
    page = desk.look(path, until="2027-01-02")
    said = words(page)
    assert "14 days for free 19 December 2026 to 2 January 2027" in said
    assert "Next charge now $392.00 on 19 December 2026" in said
    form = agreed(page)
    for _ in range(2):
        answer = desk.press(path, form)
        assert "has it for free until 2 January 2027" in words(desk.browser.get(answer.location))
    found = stripe.v1.subscriptions.retrieve(team)
    assert (found.status, found.trial_end) == (
        "trialing",
        int(datetime(2027, 1, 2, 12, 0, tzinfo=UTC).timestamp()),
    )
    for hour, charged in ((11, [39200]), (14, [39200, 39200])):
        pass_time(sandbox, clock, datetime(2027, 1, 2, hour, 0, tzinfo=UTC))
        assert [charge.amount for charge in stripe.v1.charges.list({}).data] == charged
    assert len(desk.audited("trial.extended")) == 1


def test_a_trial_goes_on(desk, stripe, people, subscribe, app):
    people.join("kei@kansai.example", "Kansai")
    subscription = subscribe("Kansai", "team", trial_period_days=7)
    kansai = Desk(app, desk.browser, "Kansai")
    said = kansai.do(kansai.path("trial-extension"), until="2026-12-31")
    assert "Kansai has it for free until 31 December 2026" in said
    assert stripe.v1.subscriptions.retrieve(subscription).status == "trialing"
    ((before, _, account_id),) = kansai.audited("trial.extended")
    assert (before["status"], account_id) == ("trialing", kansai.number)


@pytest.mark.parametrize(
    ("until", "said"),
    [
        ("2026-12-19", "Choose a day after 19 December 2026."),
        ("2026-01-01", "Choose a day after 19 December 2026."),
        ("2029-01-01", "Stripe takes days up to"),
        ("soon", "Give a day as 2026-11-30."),
    ],
)
def test_a_day_that_cannot_be_is_said_at_its_field(desk, path, until, said):
    page = desk.look(path, until=until)
    assert page.status_code == 422
    assert said in words(page)


def test_a_subscription_cancelled_meanwhile_is_not_extended(desk, stripe, path, team):
    form = agreed(desk.look(path, until="2027-01-02"))
    stripe.v1.subscriptions.update(team, {"cancel_at_period_end": True})
    answer = desk.press(path, form)
    assert answer.status_code == 409
    assert "This has changed since you looked." in words(answer)
    assert "The subscription is ending." in words(answer)
    assert stripe.v1.subscriptions.retrieve(team).trial_end is None

"""Ending a subscription for a customer: when it was said, giving back what was shown."""

from __future__ import annotations

import pytest

from tests.staff import Desk, agreed, words


@pytest.fixture
def path(desk):
    return desk.path("cancellation")


def test_it_ends_with_its_period_and_that_is_undone(desk, stripe, path, team):
    page = desk.look(path, way="period_end", feedback="unused")
    assert "Access ends Team, Northwind 19 December 2026" in words(page)
    said = words(desk.browser.get(desk.press(path, agreed(page)).location))
    assert "The subscription ends on 19 December 2026." in said
    found = stripe.v1.subscriptions.retrieve(team)
    assert (found.status, found.cancel_at_period_end) == ("active", True)
    assert found.cancellation_details.feedback == "unused"
    assert "is ending on 19 December 2026" in words(desk.look(path))
    answer = desk.browser.post(f"{path}/undo")
    assert "It goes on. Nothing was charged." in words(desk.browser.get(answer.location))
    assert stripe.v1.subscriptions.retrieve(team).cancel_at_period_end is False
    ((_, _, account_id),) = desk.audited("subscription.kept")
    assert account_id == desk.number


def test_it_ends_now_and_gives_nothing_back(desk, stripe, path, team):
    said = desk.do(path, way="now")
    assert "The subscription has ended." in said
    assert stripe.v1.subscriptions.retrieve(team).status == "canceled"
    assert stripe.v1.refunds.list({}).data == []
    assert "There is no running subscription to cancel." in words(desk.look(path))


@pytest.mark.parametrize(
    ("way", "refunded", "balance"), [("now_refund", [19600], 0), ("now_credit", [], -19600)]
)
def test_half_of_the_month_is_given_back_as_it_was_shown(
    desk, stripe, path, team, clock, invoice, way, refunded, balance
):
    page = desk.look(path, way=way)
    assert "$196.00" in words(page)
    # Time goes on while somebody reads.
    clock.advance(minutes=10)
    form = agreed(page)
    for _ in range(2):
        answer = desk.press(path, form)
        assert "The subscription has ended. $196.00 is" in words(desk.browser.get(answer.location))
    assert stripe.v1.subscriptions.retrieve(team).status == "canceled"
    assert [each.amount for each in stripe.v1.refunds.list({}).data] == refunded
    (note,) = stripe.v1.credit_notes.list({"invoice": invoice}).data
    assert note.total == 19600
    assert stripe.v1.customers.retrieve(note.customer).balance == balance
    ((before, after, account_id),) = desk.audited("subscription.cancelled")
    assert (before["status"], after["amount"], account_id) == ("active", 19600, desk.number)


def test_what_was_refunded_before_is_not_refunded_again(desk, stripe, path, invoice):
    desk.do(f"/admin/invoices/{invoice}/refund", amount="300", reason="duplicate")
    page = desk.look(path, way="now_refund")
    assert "can give back $92.00; $196.00 could be credited to the balance" in words(page)
    desk.press(path, agreed(page))
    assert sorted(each.amount for each in stripe.v1.refunds.list({}).data) == [9200, 30000]


def test_a_preview_of_an_hour_ago_is_shown_anew(desk, stripe, path, team, clock):
    form = agreed(desk.look(path, way="now_refund"))
    clock.advance(hours=1)
    answer = desk.press(path, form)
    assert answer.status_code == 409
    assert "This has changed since you looked." in words(answer)
    assert stripe.v1.subscriptions.retrieve(team).status == "active"


def test_when_stripe_breaks_in_the_middle_the_refund_follows_on_the_next_press(
    desk, stripe, sandbox, path, team
):
    form = agreed(desk.look(path, way="now_refund"))
    switches = sandbox.test_client()
    fault = {"method": "POST", "path": "/v1/credit_notes", "answer": "500", "calls": 1}
    switches.post("/sandbox/chaos", json={"off": True, "faults": [fault]})
    answer = desk.press(path, form)
    assert answer.status_code == 503
    assert "We do not know yet whether this went through." in words(answer)
    assert stripe.v1.subscriptions.retrieve(team).status == "canceled"
    again = desk.press(path, form)
    assert "$196.00 is refunded." in words(desk.browser.get(again.location))
    assert [each.amount for each in stripe.v1.refunds.list({}).data] == [19600]


def test_nobody_pressing_again_the_refund_follows_by_itself(
    desk, stripe, sandbox, path, clock, outside
):
    form = agreed(desk.look(path, way="now_refund"))
    switches = sandbox.test_client()
    fault = {"method": "POST", "path": "/v1/credit_notes", "answer": "500", "calls": 1}
    switches.post("/sandbox/chaos", json={"off": True, "faults": [fault]})
    desk.press(path, form)
    clock.advance(minutes=3)
    outside.run_tasks()
    assert desk.actions() == ["done"]
    assert [each.amount for each in stripe.v1.refunds.list({}).data] == [19600]


def test_a_trial_ends_without_anything_to_give_back(desk, stripe, people, subscribe, app):
    people.join("kei@kansai.example", "Kansai")
    subscribe("Kansai", "team", trial_period_days=7)
    kansai = Desk(app, desk.browser, "Kansai")
    said = words(kansai.look(kansai.path("cancellation")))
    assert "refund the unused time" not in said
    assert "The subscription has ended." in kansai.do(kansai.path("cancellation"), way="now")

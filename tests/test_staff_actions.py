"""What staff do once: when an answer is lost, others wait, and it is found out by itself."""

from __future__ import annotations

import pytest

from billing import left_of_invoice, staff_actions
from billing.refunds import REFUND
from models import Invoice, User, db
from tests.staff import agreed, words


@pytest.fixture
def path(invoice):
    return f"/admin/invoices/{invoice}/refund"


@pytest.fixture
def is_asked(desk, app, path, invoice):
    """Begins a refund and dies before Stripe's answer, as a killed worker does."""
    with app.app_context():
        action = staff_actions.plan(
            REFUND,
            invoice,
            account_id=desk.number,
            user_id=db.session.query(User).filter_by(email="support@tidewater.example").one().id,
            attempt="of-a-killed-worker",
            params={
                "payment_intent": _paid_by(app, invoice),
                "amount": 10000,
                "currency": "usd",
                "reason": "duplicate",
                "note": "",
            },
        )
        staff_actions._claim(action)
        return action.id


def _paid_by(app, invoice):
    return left_of_invoice.payment_intents(db.session.get(Invoice, invoice))[0]


def test_while_one_is_not_over_nobody_begins_another(desk, stripe, path, invoice, is_asked):
    page = desk.look(path, amount="50", reason="duplicate")
    assert "An action on this is not over." in words(page)
    answer = desk.press(path, agreed(page))
    assert answer.status_code == 409
    assert "Something else is under way here." in words(answer)
    assert stripe.v1.refunds.list({}).data == []
    said = words(desk.browser.get(f"/admin/invoices/{invoice}"))
    assert "An action on this is not over." in said


def test_what_stripe_never_did_is_let_go_after_two_minutes(
    desk, stripe, path, clock, outside, is_asked
):
    clock.advance(minutes=3)
    outside.run_tasks()
    assert desk.actions() == ["refused"]
    assert "$50.00 was refunded." in desk.do(path, amount="50", reason="duplicate")
    assert [refund.amount for refund in stripe.v1.refunds.list({}).data] == [5000]


def test_what_stripe_did_is_found_by_itself_and_told_once(
    desk, stripe, path, clock, outside, is_asked, invoice
):
    paid = stripe.v1.invoice_payments.list({"invoice": invoice}).data[0].payment.payment_intent
    stripe.v1.refunds.create(
        {"payment_intent": paid, "amount": 10000, "metadata": {"staff_action": is_asked}}
    )
    clock.advance(minutes=3)
    for _ in range(2):
        outside.run_tasks()
    assert desk.actions() == ["done"]
    ((_, after, _),) = desk.audited("invoice.refunded")
    assert after["amount"] == 10000
    assert "Left to refund $292.00" in words(desk.browser.get(f"/admin/invoices/{invoice}"))


def test_the_next_person_finds_out_without_waiting_for_the_task(
    desk, stripe, path, clock, is_asked
):
    clock.advance(minutes=3)
    assert "$50.00 was refunded." in desk.do(path, amount="50", reason="duplicate")
    assert sorted(desk.actions()) == ["done", "refused"]

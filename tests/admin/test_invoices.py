"""One invoice as staff see it: everything of it, and what can still be done."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models import CreditNote, Invoice, db
from tests.quote_page import pass_time
from tests.staff import words


def test_an_invoice_that_is_nobodys_is_not_found(people):
    staff = people.staff_member("staff@tidewater.example", "support")
    assert staff.get("/admin/invoices/in_unknown").status_code == 404


def test_support_reads_all_of_it_and_finds_what_can_be_done(desk, invoice):
    said = words(desk.browser.get(f"/admin/invoices/{invoice}"))
    for part in (
        "8 \u00d7 Team",
        "Total $392.00",
        "Left to refund $392.00",
        "Left to credit $392.00",
        "Visa ending 4242",
        "Refund a payment",
        "Issue a credit note",
    ):
        assert part in said
    assert "Void it" not in said


def test_an_open_invoice_can_be_ended_or_asked_for(desk, open_invoice):
    said = words(desk.browser.get(f"/admin/invoices/{open_invoice}"))
    for part in (
        "Still to pay $650.00",
        "Void it",
        "Mark as uncollectible",
        "Mark as paid elsewhere",
        "Send a link to pay it",
        "Issue a credit note",
    ):
        assert part in said
    assert "Refund a payment" not in said


def test_finance_reads_it_and_finds_no_buttons(people, team, invoice):
    finance = people.staff_member("finance@tidewater.example", "finance")
    said = words(finance.get(f"/admin/invoices/{invoice}"))
    assert "Total $392.00" in said
    assert "Refund a payment" not in said
    assert "Issue a credit note" not in said


def test_what_was_given_back_and_by_whom_is_told(desk, invoice):
    desk.do(f"/admin/invoices/{invoice}/refund", amount="10", reason="duplicate")
    said = desk.do(
        f"/admin/invoices/{invoice}/credit-note", what="amount", amount="5", to="balance"
    )
    assert "Refund Sent to the bank" in said
    assert "$5.00 to the customer's balance" in said
    assert "Left to refund $382.00 $10.00 refunded" in said
    assert "Invoice refunded" in said
    assert "Support" in said


def test_a_refund_that_fails_later_is_told_and_can_be_made_again(
    desk, people, stripe, sandbox, clock, subscribe, deliver_webhooks
):
    people.join("kei@kansai.example", "Kansai")
    subscription = subscribe("Kansai", "team", card="pm_card_refundFail")
    invoice = stripe.v1.invoices.list({"subscription": subscription}).data[0].id
    path = f"/admin/invoices/{invoice}/refund"
    assert "$49.00 was refunded." in desk.do(path, amount="49", reason="duplicate")
    pass_time(sandbox, clock, clock.now + timedelta(days=2))
    deliver_webhooks()
    desk.browser = people.staff_member("later@tidewater.example", "support")
    said = words(desk.browser.get(f"/admin/invoices/{invoice}"))
    assert "It did not arrive: expired or canceled card. The money is with you again" in said
    assert "Left to refund $49.00" in said


def test_the_page_asks_nothing_of_stripe(desk, invoice, stripe_calls):
    desk.browser.get(f"/admin/invoices/{invoice}")
    before = len(stripe_calls)
    assert desk.browser.get(f"/admin/invoices/{invoice}").status_code == 200
    assert len(stripe_calls) == before


@pytest.mark.parametrize("kind", ["refund", "credit-note"])
def test_the_mirror_has_what_was_done_at_once(desk, app, invoice, kind):
    asked = {"amount": "10", "reason": "duplicate", "what": "amount", "to": "balance"}
    desk.do(f"/admin/invoices/{invoice}/{kind}", **asked)
    with app.app_context():
        row = db.session.get(Invoice, invoice)
        assert (row.data["post_payment_credit_notes_amount"] or 0) == (
            1000 if kind == "credit-note" else 0
        )
        assert db.session.query(CreditNote).count() == (1 if kind == "credit-note" else 0)

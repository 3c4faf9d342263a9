"""Refunds as finance finds, adds up and exports them."""

from __future__ import annotations

from models import Refund, db
from tests.finance.downloads import rows


def test_a_refund_names_the_invoice_and_payment_it_is_of(books, finance):
    invoice = books.invoice(books.customer("Contoso"), 10000)
    books.pay(invoice)
    refund = books.refund(invoice, 2550)
    (row,) = rows(finance, "/finance/refunds.csv")
    assert (row["refund_id"], row["invoice_id"], row["amount"]) == (refund, invoice, "25.50")
    assert row["payment_intent_id"].startswith("pi_")
    assert (row["customer_name"], row["credit_note_id"]) == ("Contoso", "")
    page = finance.get("/finance/refunds").text
    assert "$25.50" in page
    assert invoice in page


def test_a_failed_refund_gave_nothing_back(app, books, finance):
    invoice = books.invoice(books.customer(), 10000)
    books.pay(invoice)
    refund = books.refund(invoice, 2550)
    with app.app_context():
        db.session.get(Refund, refund).status = "failed"
        db.session.commit()
    assert "No refunds" in finance.get("/finance/refunds").text
    (row,) = rows(finance, "/finance/refunds.csv", period="all", status="failed")
    assert row["status"] == "failed"


def test_refunds_are_found_by_the_day_of_their_invoice_too(books, clock, people):
    invoice = books.invoice(books.customer(), 10000)
    books.pay(invoice)
    clock.advance(days=20)
    books.refund(invoice, 100)
    finance = people.staff_member("finance@tidewater.example", "finance")
    november = {"since": "2026-11-01", "until": "2026-11-30"}
    assert rows(finance, "/finance/refunds.csv", **november) == []
    assert len(rows(finance, "/finance/refunds.csv", **november, by="finalized")) == 1


def test_a_search_that_makes_no_sense_is_said_at_its_field(finance):
    answer = finance.get("/finance/refunds?status=weather")
    assert answer.status_code == 422
    assert "Not a valid choice" in answer.text

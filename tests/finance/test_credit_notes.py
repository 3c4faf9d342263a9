"""Credit notes as finance finds, adds up and exports them."""

from __future__ import annotations

from tests.finance.downloads import rows, sheet_rows


def test_a_credit_note_joins_its_invoice_and_its_refund_by_id(books, finance):
    invoice = books.invoice(books.customer(), 10000)
    books.pay(invoice)
    books.credit(invoice, 3000, refund_amount=1000, credit_amount=1500, out_of_band_amount=500)
    (note,) = rows(finance, "/finance/credit-notes.csv")
    (refund,) = rows(finance, "/finance/refunds.csv")
    (billed,) = rows(finance, "/finance/invoices.csv")
    assert note["invoice_id"] == refund["invoice_id"] == billed["invoice_id"] == invoice
    assert refund["credit_note_id"] == note["credit_note_id"]
    amounts = ("total", "before_payment", "after_payment", "by_refund", "to_balance", "off_stripe")
    assert [note[key] for key in amounts] == ["30.00", "0.00", "30.00", "10.00", "15.00", "5.00"]
    assert refund["amount"] == "10.00"


def test_a_void_credit_note_is_shown_to_who_asks_for_it(books, finance):
    invoice = books.invoice(books.customer(), 10000)
    books.void_credit(books.credit(invoice, 3000))
    assert "No credit notes" in finance.get("/finance/credit-notes").text
    (note,) = rows(finance, "/finance/credit-notes.csv", period="all", status="void")
    assert (note["status"], note["before_payment"]) == ("void", "30.00")
    assert "$30.00" in finance.get("/finance/credit-notes?by=voided").text


def test_the_sheet_holds_the_same(books, finance):
    books.credit(books.invoice(books.customer("=Contoso"), 10000), 2550)
    (row,) = sheet_rows(finance.get("/finance/credit-notes.xlsx").data)
    assert row["total"].value == 25.5
    assert row["customer_name"].value == "=Contoso"
    assert row["customer_name"].data_type == "s"


def test_the_page_says_when_there_are_none(finance):
    assert "No credit notes" in finance.get("/finance/credit-notes").text


def test_a_search_that_makes_no_sense_is_said_at_its_field(finance):
    answer = finance.get("/finance/credit-notes.csv?by=weather")
    assert answer.status_code == 422
    assert "Not a valid choice" in answer.text

"""An account's own invoices as CSV."""

from __future__ import annotations

import csv
import io

import pytest

from models import Invoice, db


def rows_of(answer):
    return list(csv.DictReader(io.StringIO(answer.get_data(as_text=True), newline="")))


def by_id(browser, **query):
    answer = browser.get("/invoices.csv", query_string=query)
    return {row["invoice_id"]: row for row in rows_of(answer)}


def test_the_file_is_an_attachment_in_utf8_with_crlf_lines(owner):
    answer = owner.get("/invoices.csv")
    assert answer.content_type == "text/csv; charset=utf-8"
    assert 'filename="invoices-2026-11-19.csv"' in answer.headers["Content-Disposition"]
    lines = answer.get_data().decode("utf-8").split("\r\n")
    assert lines[0].startswith("number,date,status,")
    assert len(lines) == 3
    assert lines[-1] == ""


def test_a_row_says_what_the_invoice_says(app, owner):
    (row,) = rows_of(owner.get("/invoices.csv"))
    with app.app_context():
        invoice = db.session.query(Invoice).one()
        assert row["number"] == invoice.number
        assert row["total"] == f"{invoice.total / 100:.2f}"
    assert row["status"] == "paid"
    assert row["currency"] == "USD"
    assert row["amount_remaining"] == "0.00"
    assert row["date"] == row["paid_at"] == "2026-11-19"


@pytest.mark.parametrize(
    ("currency", "amount", "written"),
    [("usd", 150005, "1500.05"), ("jpy", 1500, "1500"), ("kwd", 5120, "5.120")],
)
def test_amounts_have_the_digits_of_their_currency(owner, bill, currency, amount, written):
    invoice = bill(amount, currency=currency)
    assert by_id(owner)[invoice]["total"] == written


def test_a_negative_amount_stays_a_number(owner, bill):
    invoice = bill(-1500, "Refund")
    assert by_id(owner)[invoice]["total"] == "-15.00"


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", '=HYPERLINK("http://x","y")']
)
def test_text_cannot_become_a_formula(owner, bill, text):
    invoice = bill(1500, text)
    written = by_id(owner)[invoice]["description"]
    assert written[0] not in "=+-@\t\r"
    assert text.strip() in written


def test_quotes_commas_lines_and_letters_come_back_as_they_were(owner, bill):
    text = 'A "large", round\ncake for Zoë 🎂'
    invoice = bill(1500, text)
    assert by_id(owner)[invoice]["description"] == text


def test_the_file_keeps_to_the_filters_of_the_list_and_has_all_pages(owner, bill):
    for n in range(25):
        bill(1000 + n, f"Session {n}")
    assert len(by_id(owner)) == 26
    assert len(by_id(owner, q="session")) == 25
    assert len(by_id(owner, q="session", page=2)) == 25
    assert len(by_id(owner, status="paid")) == 1
    assert len(by_id(owner, since="2026-11-20")) == 0


def test_nobody_elses_invoices_are_in_it(owner, people):
    stranger = people.owner("eve@elsewhere.example", "Elsewhere")
    # A customer of their own, so that it is the customer that keeps the accounts apart.
    assert stranger.post("/hosted-portal").status_code == 303
    answer = stranger.get("/invoices.csv")
    assert answer.status_code == 200
    assert rows_of(answer) == []


def test_a_visitor_has_to_sign_in(client):
    assert client.get("/invoices.csv").status_code == 302

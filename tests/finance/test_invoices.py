"""Invoices as finance finds, adds up and exports them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from billing import sync
from config import Finance
from models import AuditEntry, ExportRun, Invoice, InvoicePayment, Product, db
from tests.conftest import People, portal_with
from tests.finance.conftest import Books
from tests.finance.downloads import csv_rows, rows, sheet_rows

NOVEMBER = {"since": "2026-11-01", "until": "2026-11-30"}


def by_number(found):
    return {row["invoice_number"]: row for row in found}


def totals_on(page):
    """{currency: [figures]} of the table of totals."""
    table = page.text.split("each currency by itself</caption>")[1].split("</table>")[0]
    return {
        row[0]: row[1:]
        for row in (
            re.findall(r"<t[hd][^>]*>([^<]+)</t[hd]>", line) for line in table.split("<tr>")[2:]
        )
    }


# The page -----------------------------------------------------------------------------------


def test_totals_are_for_each_currency_by_itself(books, finance):
    ada = books.customer()
    books.pay(books.invoice(ada, 10050))
    books.invoice(ada, 5000)
    books.invoice(books.customer(), 1500, currency="jpy")
    found = totals_on(finance.get("/finance/invoices"))
    # Invoices, total, credited, voided, uncollectible, paid, open.
    assert found["USD"] == ["2", "$150.50", "$0.00", "$0.00", "$0.00", "$100.50", "$50.00"]
    assert found["JPY"] == ["1", "¥1,500", "¥0", "¥0", "¥0", "¥0", "¥1,500"]
    assert "3 invoices with 3 lines" in finance.get("/finance/invoices").text


def test_drafts_are_shown_to_who_asks_for_them(app, books, finance):
    draft = books.draft(books.customer(), 500)
    books.pull("invoice", draft)
    assert "Nothing matches" in finance.get("/finance/invoices?by=created&period=all").text
    assert draft in finance.get("/finance/invoices?by=created&period=all&status=draft").text


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ({"status": "paid"}, {"A"}),
        ({"status": "open"}, {"B", "C"}),
        ({"currency": "EUR"}, {"C"}),
        ({"currency": "eur"}, {"C"}),
        ({"country": "de"}, {"C"}),
        ({"part": "by_stripe"}, {"A"}),
        ({"by": "paid"}, {"A"}),
        ({"by": "created"}, {"A", "B", "C"}),
        ({}, {"A", "B", "C"}),
    ],
)
def test_filters_choose_the_same_rows_on_the_page_and_in_the_file(
    app, books, finance, search, expected
):
    made = {
        "A": books.invoice(books.customer("A"), 1000),
        "B": books.invoice(books.customer("B"), 2000),
        "C": books.invoice(books.customer("C", country="DE"), 3000, currency="eur"),
    }
    books.pay(made["A"])
    found = rows(finance, "/finance/invoices.csv", period="all", **search)
    assert {row["customer_name"] for row in found} == expected
    page = finance.get("/finance/invoices", query_string={"period": "all", **search}).text
    assert {name for name, invoice in made.items() if invoice in page} == expected


def test_a_plan_chooses_the_invoices_with_a_line_of_it(app, people, subscribe, finance):
    people.join("ada@northwind.example")
    people.join("bea@contoso.example", "Contoso")
    subscribe("Northwind", "team")
    subscribe("Contoso", "starter")
    with app.app_context():
        team = db.session.query(Product).filter_by(slug="team").one().stripe_id
    (row,) = rows(finance, "/finance/invoices.csv", period="all", plan=team)
    assert (row["account"], row["plans"]) == ("Northwind", "Team")


def test_a_day_is_one_of_the_chosen_zone(books, clock, finance):
    clock.set(datetime(2026, 11, 30, 23, 30, tzinfo=UTC))
    books.invoice(books.customer(), 1000)
    (row,) = rows(finance, "/finance/invoices.csv", **NOVEMBER, tz="UTC")
    assert row["finalized_at"] == "2026-11-30T23:30:00+00:00"
    assert rows(finance, "/finance/invoices.csv", **NOVEMBER, tz="Asia/Tokyo") == []
    december = {"since": "2026-12-01", "until": "2026-12-01", "tz": "Asia/Tokyo"}
    (row,) = rows(finance, "/finance/invoices.csv", **december)
    assert (row["invoice_date"], row["finalized_at"]) == ("2026-12-01", "2026-12-01T08:30:00+09:00")
    page = finance.get("/finance/invoices", query_string=december).text
    assert "1 Dec 2026" in page


@pytest.mark.parametrize(
    ("choice", "days"),
    [
        ("this_month", ("2026-11-01", "2026-11-30")),
        ("last_month", ("2026-10-01", "2026-10-31")),
        ("this_quarter", ("2026-10-01", "2026-12-31")),
        ("last_quarter", ("2026-07-01", "2026-09-30")),
        ("this_year", ("2026-01-01", "2026-12-31")),
        ("last_year", ("2025-01-01", "2025-12-31")),
    ],
)
def test_a_quick_choice_fills_in_its_days(finance, choice, days):
    page = finance.get(f"/finance/invoices?period={choice}").text
    assert re.findall(r'type="date"[^>]*value="([^"]*)"', page) == list(days)


def test_many_invoices_come_a_page_at_a_time(books, finance):
    ada = books.customer()
    for n in range(27):
        books.invoice(ada, 1000 + n)
    first = finance.get("/finance/invoices").text
    older = re.search(r'rel="next" href="([^"]+)"', first)[1].replace("&amp;", "&")
    second = finance.get(older).text
    links = [re.findall(r"/admin/invoices/(in_\w+)", page) for page in (first, second)]
    assert [len(each) for each in links] == [25, 2]
    assert not set(links[0]) & set(links[1])
    # The totals are of all of them.
    assert totals_on(finance.get(older))["USD"][0] == "27"


def test_other_words_in_the_address_change_nothing(books, finance):
    ada = books.customer()
    for n in range(26):
        books.invoice(ada, 1000 + n)
    for word in ("endpoint", "_external", "_scheme", "self", "ending", "without"):
        page = finance.get(f"/finance/invoices?{word}=x")
        assert page.status_code == 200, word
        assert finance.get(f"/finance/tie-out?{word}=x").status_code == 200, word


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ("currency=euro", "Give a currency by its three letters"),
        ("country=1", "Give a country by its two letters"),
        ("status=lost", "Not a valid choice"),
        ("columns=nothing", "Not a valid choice"),
        ("since=yesterday", "Give a day as 2026-11-30."),
    ],
)
def test_a_search_that_makes_no_sense_is_said_at_its_field(finance, search, said):
    for address in ("/finance/invoices", "/finance/invoices.csv", "/finance/invoices.xlsx"):
        answer = finance.get(f"{address}?{search}")
        assert answer.status_code == 422
        assert said in answer.text


# The file -----------------------------------------------------------------------------------


def test_the_file_is_utf8_with_crlf_and_says_its_rows_ahead(books, finance):
    books.invoice(books.customer(), 1000)
    answer = finance.get("/finance/invoices.csv")
    assert answer.content_type == "text/csv; charset=utf-8"
    assert 'filename="invoices-2026-11-19.csv"' in answer.headers["Content-Disposition"]
    assert answer.headers["X-Row-Count"] == "1"
    lines = answer.data.decode().split("\r\n")
    assert lines[0].startswith("invoice_id,invoice_number,status,")
    assert len(lines) == 3
    assert lines[-1] == ""
    assert not answer.data.startswith(b"\xef\xbb\xbf")


def test_byte_order_mark_separator_and_days_are_choices(books, finance):
    books.invoice(books.customer(), 123456)
    answer = finance.get("/finance/invoices.csv?bom=y&separator=semicolon&dates=dmy")
    assert answer.data.startswith(b"\xef\xbb\xbfinvoice_id;invoice_number;")
    (row,) = csv_rows(answer.data, ";")
    assert (row["invoice_date"], row["total"]) == ("19/11/2026", "1234.56")


@pytest.mark.parametrize(
    ("currency", "amount", "written"),
    [
        ("usd", 150005, "1500.05"),
        ("usd", -1500, "-15.00"),
        ("jpy", 1500, "1500"),
        ("kwd", 5120, "5.120"),
        ("usd", 5, "0.05"),
    ],
)
def test_amounts_have_the_digits_of_their_currency(books, finance, currency, amount, written):
    books.invoice(books.customer(), amount, currency=currency)
    (row,) = rows(finance, "/finance/invoices.csv")
    assert (row["total"], row["currency"]) == (written, currency.upper())
    cell = sheet_rows(finance.get("/finance/invoices.xlsx").data)[0]["total"]
    assert Decimal(str(cell.value)) == Decimal(written)
    assert cell.data_type == "n"


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\r=1", "  =1+1", "\uff1d1", '=HYPERLINK("x")']


@pytest.mark.parametrize("text", FORMULAS)
def test_text_cannot_become_a_formula_and_a_sheet_keeps_it_as_it_was(app, books, finance, text):
    invoice = books.invoice(books.customer(), -500)
    with app.app_context():
        db.session.get(Invoice, invoice).customer_name = text
        db.session.commit()
    (row,) = rows(finance, "/finance/invoices.csv")
    assert row["customer_name"] == f"'{text}"
    assert row["total"] == "-5.00"
    cell = sheet_rows(finance.get("/finance/invoices.xlsx").data)[0]["customer_name"]
    assert cell.data_type == "s"
    # As the file format writes a carriage return; Excel reads it back.
    assert cell.value.replace("_x000D_", "\r").strip() == text.strip()


def test_quotes_commas_lines_and_letters_come_back_as_they_were(books, finance):
    text = 'A "large", round\ncake; for Zoë 🎂'
    books.invoice(books.customer(), 1500, text=text)
    (row,) = rows(finance, "/finance/invoices.csv", period="all", columns="invoice_lines")
    assert row["description"] == text


def test_one_row_for_each_line_adds_up_to_the_invoice(app, people, subscribe, finance, stripe):
    people.join("ada@northwind.example")
    coupon = stripe.v1.coupons.create({"percent_off": 15, "duration": "forever"})
    rate = stripe.v1.tax_rates.create({"display_name": "VAT", "percentage": 19, "inclusive": False})
    subscribe(quantity=3, discounts=[{"coupon": coupon.id}], default_tax_rates=[rate.id])
    lines = rows(finance, "/finance/invoices.csv", period="all", columns="invoice_lines")
    (invoice,) = rows(finance, "/finance/invoices.csv")
    assert [line["line"] for line in lines] == ["1"]
    # 3 * 49 = 147, less 15 %, plus 19 %.
    assert {key: lines[0][key] for key in ("line_amount", "line_discount", "line_net")} == {
        "line_amount": "147.00",
        "line_discount": "22.05",
        "line_net": "124.95",
    }
    assert (lines[0]["line_tax"], lines[0]["line_total"]) == ("23.74", "148.69")
    assert (invoice["net"], invoice["tax"], invoice["total"]) == ("124.95", "23.74", "148.69")
    assert lines[0]["unit_amount"] == "49.00"


def test_an_inclusive_tax_is_part_of_the_line(app, people, subscribe, finance, stripe):
    people.join("ada@northwind.example")
    rate = stripe.v1.tax_rates.create({"display_name": "VAT", "percentage": 20, "inclusive": True})
    subscribe(default_tax_rates=[rate.id])
    (line,) = rows(finance, "/finance/invoices.csv", period="all", columns="invoice_lines")
    assert (line["line_net"], line["line_tax"], line["line_total"]) == ("40.83", "8.17", "49.00")


def test_rows_are_of_one_moment_however_long_they_take_to_read(app, books, finance, stripe):
    ada = books.customer()
    first = books.invoice(ada, 1000)
    answer = finance.get("/finance/invoices.csv?period=all")
    assert answer.headers["X-Row-Count"] == "1"
    pieces = answer.iter_encoded()
    body = next(pieces)
    books.pay(first)
    books.invoice(ada, 2000)
    body += b"".join(pieces)
    (row,) = csv_rows(body)
    assert row["status"] == "open"


def test_every_download_is_in_the_audit_log(app, books, finance):
    books.invoice(books.customer(), 1000)
    answer = finance.get("/finance/invoices.csv?status=open")
    assert answer.data
    with app.app_context():
        entry = db.session.query(AuditEntry).filter_by(action="export.downloaded").one()
        run = db.session.get(ExportRun, entry.subject)
        assert entry.after["rows"] == 1
        assert entry.after["status"] == "open"
        assert (run.status, run.rows) == ("complete", 1)


def test_an_address_cannot_say_of_a_download_what_it_was_not(app, books, finance):
    books.invoice(books.customer(), 1000)
    assert finance.get("/finance/invoices.csv?rows=0&file=nothing.csv").data
    with app.app_context():
        entry = db.session.query(AuditEntry).filter_by(action="export.downloaded").one()
        assert entry.after["rows"] == 1
        assert entry.after["file"] == "invoices-2026-11-19.csv"


# Layouts of other programs ------------------------------------------------------------------


def test_xero_gets_a_row_for_each_line_with_its_own_headings(books, finance):
    books.invoice(books.customer("Contoso", country="DE"), 1000, 2500, currency="eur")
    found = rows(finance, "/finance/invoices.csv", period="all", columns="xero", dates="dmy")
    assert [row["*UnitAmount"] for row in found] == ["10.00", "25.00"]
    assert {key: found[0][key] for key in found[0] if found[0][key]} == {
        "*ContactName": "Contoso",
        "EmailAddress": "billing@northwind.example",
        "POCountry": "DE",
        "*InvoiceNumber": found[0]["*InvoiceNumber"],
        "Reference": found[0]["Reference"],
        "*InvoiceDate": "19/11/2026",
        "*DueDate": "19/11/2026",
        "Total": "35.00",
        "*Description": "Work",
        "*Quantity": "1",
        "*UnitAmount": "10.00",
        "*AccountCode": "200",
        "*TaxType": "Tax Exempt",
        "TaxAmount": "0.00",
        "Currency": "EUR",
    }


def test_quickbooks_and_the_ledger_have_what_they_ask_for(books, finance):
    books.invoice(books.customer("Contoso"), 1000)
    (row,) = rows(finance, "/finance/invoices.csv", period="all", columns="quickbooks")
    mandatory = ("*InvoiceNo", "*Customer", "*InvoiceDate", "*DueDate", "*ItemAmount")
    assert all(row[heading] for heading in mandatory)
    (row,) = rows(finance, "/finance/invoices.csv", period="all", columns="ledger")
    assert (row["net"], row["tax"], row["gross"]) == ("10.00", "0.00", "10.00")


def test_zone_account_and_tax_name_are_settings(settings, stripe_calls, stripe):
    berlin = replace(settings, finance=Finance("Europe/Berlin", "8400", "VAT 19 %"))
    for app in portal_with(berlin):
        books = Books(app, stripe)
        books.invoice(books.customer(), 1000)
        finance = People(app).staff_member("finance@tidewater.example", "finance")
        assert 'value="Europe/Berlin"' in finance.get("/finance/invoices").text
        (row,) = rows(finance, "/finance/invoices.csv", period="all", columns="invoice_lines")
        assert row["finalized_at"] == "2026-11-19T13:00:00+01:00"
        assert (row["revenue_account"], row["tax_name"]) == ("8400", "VAT 19 %")


# What the mirror keeps for it ---------------------------------------------------------------


def test_the_mirror_holds_an_invoices_payments_and_forgets_none(app, books):
    invoice = books.invoice(books.customer(), 1000)
    books.pay(invoice)
    with app.app_context():
        (payment,) = db.session.query(InvoicePayment).all()
        assert (payment.status, payment.amount_paid) == ("paid", 1000)
        sync.pull("invoice", invoice)
        assert db.session.query(InvoicePayment).count() == 1

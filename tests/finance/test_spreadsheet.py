"""A month, exported and opened by a spreadsheet program, ties out."""

from __future__ import annotations

import csv
import io
import subprocess
from collections import defaultdict
from datetime import datetime
from decimal import Decimal

import pytest
from openpyxl import load_workbook

from tests.finance.downloads import csv_rows

pytestmark = pytest.mark.spreadsheet
NOVEMBER = {"since": "2026-11-01", "until": "2026-11-30", "tz": "UTC"}
PARTS = ("total", "credited", "voided", "uncollectible", "paid", "open")
# Comma, double quote, UTF-8, from the first line on; the last sheet written as text as it is shown.
AS_CSV = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"
FROM_CSV = "CSV:44,34,76,1,,0,false,false"


@pytest.fixture
def month(books):
    """Two currencies, and each thing that can become of an invoice."""
    ada, bea = books.customer("=1+1"), books.customer("@Contoso", country="JP")
    for n in range(5):
        books.pay(books.invoice(ada, 12345 + n * 7))
    credited = books.invoice(ada, 20001)
    books.pay(credited)
    books.credit(credited, 3333, refund_amount=3000, credit_amount=333)
    books.credit(books.invoice(ada, 9999), 999)
    books.void(books.invoice(ada, 7001))
    books.give_up(books.invoice(ada, 6003))
    books.invoice(ada, -2550, text="-5 % for a year")
    books.pay(books.invoice(bea, 15000, currency="jpy"))
    books.invoice(bea, 777, currency="jpy")


@pytest.fixture
def office(tmp_path):
    """Opens a file with LibreOffice and saves it as another kind; the files it wrote."""

    def convert(name, body, to, *options):
        source = tmp_path / name
        source.write_bytes(body)
        out = tmp_path / f"from-{name}"
        profile = f"-env:UserInstallation=file://{tmp_path}/profile"
        command = ["soffice", profile, "--headless", "--norestore", *options]
        subprocess.run(
            [*command, "--convert-to", to, "--outdir", str(out), str(source)],
            check=True,
            capture_output=True,
            timeout=240,
        )
        return sorted(out.iterdir())

    return convert


def added_up(rows):
    """{(currency, part): sum} of rows of (currency, {part: amount})."""
    found = defaultdict(Decimal)
    for currency, amounts in rows:
        for part in PARTS:
            found[currency, part] += Decimal(str(amounts[part])).quantize(Decimal("0.001"))
    return dict(found)


def tie_out_of(finance):
    rows = csv_rows(finance.get("/finance/tie-out.csv", query_string=NOVEMBER).data)
    assert all(Decimal(r["amount"]) == 0 for r in rows if r["figure"] == "difference")
    return {
        (r["currency"], r["figure"]): Decimal(r["amount"]) for r in rows if r["figure"] in PARTS
    }


def test_a_months_csv_opened_by_libreoffice_ties_out(month, finance, office):
    body = finance.get("/finance/invoices.csv", query_string=NOVEMBER).data
    (written,) = office("month.csv", body, "xlsx", f"--infilter={FROM_CSV}")
    heading, *rows = load_workbook(written).active.iter_rows()
    names = [cell.value for cell in heading]
    sheet = [dict(zip(names, row, strict=True)) for row in rows]
    # Nothing in it runs, and amounts are numbers, the negative one too.
    assert not [cell for row in rows for cell in row if cell.data_type == "f"]
    assert all(row["total"].data_type == "n" for row in sheet)
    assert any(row["total"].value < 0 for row in sheet)
    assert {row["customer_name"].value for row in sheet} == {"'=1+1", "'@Contoso"}
    found = added_up(
        (row["currency"].value, {part: row[part].value for part in PARTS}) for row in sheet
    )
    assert found == tie_out_of(finance)


def test_a_months_workbook_opened_by_libreoffice_ties_out(month, finance, office):
    body = finance.get("/finance/invoices.xlsx", query_string=NOVEMBER).data
    (written,) = office("month.xlsx", body, AS_CSV)
    rows = list(csv.DictReader(io.StringIO(written.read_text(encoding="utf-8"), newline="")))
    # What would run in a CSV is text in a workbook, as it was.
    assert {row["customer_name"] for row in rows} == {"=1+1", "@Contoso"}
    assert {row["invoice_date"] for row in rows} == {"2026-11-19"}
    assert datetime.fromisoformat(rows[0]["finalized_at"]) == datetime(2026, 11, 19, 12)
    found = added_up((row["currency"], row) for row in rows)
    assert found == tie_out_of(finance)

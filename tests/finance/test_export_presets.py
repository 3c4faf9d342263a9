"""Columns that staff chose and saved, and what each column means."""

from __future__ import annotations

from html import escape
from pathlib import Path

import pytest

from billing.exports.layouts import READY, ROWS
from billing.invoice_parts import PARTS
from billing.tie_out import APART
from models import AuditEntry, ExportPreset, db
from tests.finance.downloads import rows

DOC = Path(__file__).resolve().parents[2] / "docs" / "finance-exports.md"
NEW = "/finance/export-presets/new?rows=invoices"


def save(browser, name="Month end", columns=("invoice_number", "total", "currency"), to=NEW):
    return browser.post(to, data={"name": name, "columns": list(columns)})


def test_saved_columns_are_chosen_by_name_and_nothing_else_is_in_the_file(app, books, finance):
    books.invoice(books.customer(), 1000)
    assert save(finance).status_code == 303
    assert "Month end" in finance.get("/finance/invoices").text
    with app.app_context():
        key = f"preset-{db.session.query(ExportPreset).one().id}"
    (row,) = rows(finance, "/finance/invoices.csv", period="all", columns=key)
    assert list(row) == ["invoice_number", "currency", "total"]


def test_saving_and_removing_are_in_the_audit_log(app, finance):
    save(finance)
    with app.app_context():
        number = db.session.query(ExportPreset).one().id
    asked = finance.get(f"/finance/export-presets/{number}/removal")
    assert "Remove Month end?" in asked.text
    assert finance.post(f"/finance/export-presets/{number}/removal").status_code == 303
    # A second click finds nothing to remove.
    assert finance.post(f"/finance/export-presets/{number}/removal").status_code == 404
    with app.app_context():
        assert db.session.query(ExportPreset).count() == 0
        saved, removed = (
            db.session.query(AuditEntry).filter_by(action=f"export_preset.{verb}").one()
            for verb in ("saved", "removed")
        )
        assert saved.after == removed.before
        assert saved.after["columns"] == ["invoice_number", "currency", "total"]


def test_a_name_is_taken_once_and_what_was_typed_stays(finance):
    save(finance)
    again = save(finance, columns=["invoice_id"])
    assert again.status_code == 422
    assert "There is a preset of that name already." in again.text
    assert 'value="Month end"' in again.text
    assert 'checked id="columns-0"' in again.text


@pytest.mark.parametrize(
    ("name", "columns", "said"),
    [
        ("", ["total"], "Give it a name."),
        ("x", [], "Choose at least one column."),
        ("x", ["password"], "not a valid choice"),
        ("x" * 81, ["total"], "longer than 80"),
    ],
)
def test_a_preset_that_makes_no_sense_is_not_saved(app, finance, name, columns, said):
    answer = save(finance, name, columns)
    assert answer.status_code == 422
    assert said in answer.text
    with app.app_context():
        assert db.session.query(ExportPreset).count() == 0


def test_a_kind_of_rows_that_there_is_not_is_not_found(finance):
    assert finance.get("/finance/export-presets/new?rows=secrets").status_code == 404


def test_the_page_says_what_every_column_means(finance):
    page = finance.get("/finance/export-presets").text
    for kind in ROWS.values():
        for column in kind.columns:
            assert f"<code>{column.key}</code>" in page
            assert escape(column.meaning).replace("&#x27;", "&#39;") in page


def test_the_documentation_says_the_same_as_the_code():
    said = " ".join(DOC.read_text().split())
    for kind in ROWS.values():
        table = said.split(f"### {kind.name}")[1].split("###")[0]
        written = [cell.split("`")[0] for cell in table.split("| `")[1:]]
        assert written == [column.key for column in kind.columns], kind.key
        for column in kind.columns:
            assert f"| `{column.key}` | {column.meaning} |" in table
    for layout in READY:
        if layout.note:
            table = said.split(f"### {layout.name}")[1].split("###")[0]
            assert layout.note in table
            for heading, key in layout.columns:
                assert f"| `{heading}` | `{key}` |" in table
    for part in PARTS.values():
        assert f"| {part.name} | {part.meaning} |" in said
    for name, meaning in APART.values():
        assert f"| {name} | {meaning} |" in said

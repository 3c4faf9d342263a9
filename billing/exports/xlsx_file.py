"""An Excel workbook, written row by row into a file, in constant memory.

A workbook is a zip whose table of contents comes last and whose sheets are packed when they are
whole, so it is made in a temporary file first and sent from there.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter
from sqlalchemy import Row

from billing.exports.layouts import Layout
from billing.money import exponent, to_decimal
from config import Settings

MIME = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Excel's own limits: rows of a sheet, and characters of a cell.
SHEET_ROWS = 1_048_576
CELL_LENGTH = 32_767
# Text stays text: nothing in it becomes a formula, a link or a number.
AS_GIVEN = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "default_date_format": "yyyy-mm-dd",
}


def write(
    path: Path,
    found: Iterable[Row[Any]],
    layout: Layout,
    zone: ZoneInfo,
    settings: Settings,
) -> int:
    """Writes the workbook; how many rows it has. What one sheet cannot hold goes into the next."""
    with xlsxwriter.Workbook(str(path), {**AS_GIVEN, "tmpdir": str(path.parent)}) as book:
        sheets = _Sheets(book, layout, zone, settings)
        for row in found:
            sheets.add(row)
        return sheets.rows


class _Sheets:
    """The sheets of one book, the last of which is being written."""

    def __init__(self, book: Any, layout: Layout, zone: ZoneInfo, settings: Settings):
        self._book, self._layout, self._zone = book, layout, zone
        self._columns = [layout.rows.column(key) for key in layout.keys]
        self._constants = {c.key: c.of(settings) for c in self._columns if c.kind == "constant"}
        self._bold = book.add_format({"bold": True})
        self._day = book.add_format({"num_format": "yyyy-mm-dd"})
        self._moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._money = {
            places: book.add_format({"num_format": "0" + ("." + "0" * places if places else "")})
            for places in (0, 2, 3)
        }
        self.rows = 0
        self._begin()

    def _begin(self) -> None:
        self._sheet = self._book.add_worksheet()
        self._sheet.freeze_panes(1, 0)
        for place, (heading, column) in enumerate(
            zip(self._layout.headings, self._columns, strict=True)
        ):
            wide = column.kind in {"moment", "text"}
            self._sheet.set_column(place, place, 20 if wide else 13)
            self._sheet.write_string(0, place, heading, self._bold)
        self._next = 1

    def add(self, row: Row[Any]) -> None:
        if self._next == SHEET_ROWS:
            self._begin()
        currency, values = row[0], iter(row[1:])
        for place, column in enumerate(self._columns):
            if column.kind == "constant":
                self._text(place, self._constants[column.key])
            else:
                self._cell(place, column.key, column.kind, next(values), currency)
        self._next += 1
        self.rows += 1

    def _cell(self, place: int, key: str, kind: str, value: Any, currency: str) -> None:
        if value is None:
            return
        sheet, line = self._sheet, self._next
        if kind == "amount":
            places = exponent(currency)
            sheet.write_number(line, place, to_decimal(int(value), currency), self._money[places])
        elif kind == "unit_amount":
            sheet.write_number(line, place, Decimal(value).scaleb(-exponent(currency)))
        elif kind == "number":
            sheet.write_number(line, place, value)
        elif kind in {"day", "moment"}:
            # A sheet's times have no zone of their own.
            local: datetime = value.astimezone(self._zone).replace(tzinfo=None, microsecond=0)
            if kind == "day":
                day = local.replace(hour=0, minute=0, second=0)
                sheet.write_datetime(line, place, day, self._day)
            else:
                sheet.write_datetime(line, place, local, self._moment)
        else:
            self._text(place, value.upper() if key == "currency" else value)

    def _text(self, place: int, text: str) -> None:
        if text:
            self._sheet.write_string(self._next, place, text[:CELL_LENGTH])

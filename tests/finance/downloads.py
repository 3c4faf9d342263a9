"""Reading what finance downloads."""

from __future__ import annotations

import csv
import io
from typing import Any

from openpyxl import load_workbook


def csv_rows(body: bytes, separator: str = ",") -> list[dict[str, str]]:
    text = io.StringIO(body.decode("utf-8-sig"), newline="")
    return list(csv.DictReader(text, delimiter=separator))


def rows(browser: Any, address: str, **search: str) -> list[dict[str, str]]:
    answer = browser.get(address, query_string=search or {"period": "all"})
    assert answer.status_code == 200, answer.text
    return csv_rows(answer.data)


def sheet_rows(body: bytes) -> list[dict[str, Any]]:
    sheet = load_workbook(io.BytesIO(body)).active
    heading, *found = sheet.iter_rows()
    names = [cell.value for cell in heading]
    return [dict(zip(names, row, strict=True)) for row in found]

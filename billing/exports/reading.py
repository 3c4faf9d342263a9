"""Rows as the database has them, in one transaction, turned into what stands in the cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, Select, func, select

from billing.exports import cells
from billing.exports.csv_file import DATES, Options
from billing.exports.layouts import Layout
from billing.exports.selection import Selection
from config import Settings
from models import db

AT_A_TIME = 500


@contextmanager
def snapshot() -> Iterator[Connection]:
    """A connection that sees the database as it is at its first question, until it is closed."""
    with db.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection = connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        else:
            # Otherwise SQLite's driver lets every question see another state.
            connection.exec_driver_sql("BEGIN")
        yield connection


def count(connection: Connection, layout: Layout, selection: Selection) -> int:
    """How many rows there are."""
    rows = select(func.count()).select_from(layout.rows.source).where(*selection.conditions())
    return int(connection.scalar(rows) or 0)


def rows(connection: Connection, layout: Layout, selection: Selection) -> Iterator[Row[Any]]:
    """Each row, oldest first: its currency, then the layout's columns but for constants.

    PostgreSQL keeps a cursor and SQLite steps on, so that no more than a few are ever held.
    """
    statement: Select[Any] = layout.rows.query(
        layout.keys, selection.conditions(), selection.oldest_first() + _within(layout)
    )
    options = {"yield_per": AT_A_TIME}
    for part in connection.execute(statement, execution_options=options).partitions():
        yield from part


def _within(layout: Layout) -> list[Any]:
    """The lines of an invoice keep their order."""
    return [layout.rows.column("line").of] if layout.rows.has("line") else []


Cell = Callable[[Any, str], str]


def texts(
    found: Iterator[Row[Any]], layout: Layout, zone: ZoneInfo, settings: Settings, options: Options
) -> Iterator[list[str]]:
    """The cells of each row as text: safe text, plain decimals, days and times in `zone`."""
    written = DATES[options.dates]
    of_kind: dict[str, Cell] = {
        "text": lambda value, currency: cells.safe_text(value),
        "number": lambda value, currency: str(value),
        "amount": cells.amount,
        "unit_amount": cells.unit_amount,
        "day": lambda value, currency: cells.day(value, zone, written),
        "moment": lambda value, currency: cells.moment(value, zone),
    }
    columns = [layout.rows.column(key) for key in layout.keys]
    plan: list[tuple[Cell | None, str]] = []
    for column in columns:
        if column.kind == "constant":
            plan.append((None, cells.safe_text(column.of(settings))))
        elif column.key == "currency":
            plan.append((lambda value, currency: currency.upper(), ""))
        else:
            plan.append((of_kind[column.kind], ""))
    for row in found:
        currency, values = row[0], iter(row[1:])
        line = []
        for write, constant in plan:
            if write is None:
                line.append(constant)
                continue
            value = next(values)
            line.append("" if value is None else write(value, currency))
        yield line

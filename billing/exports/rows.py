"""What an export's rows can hold: columns with their meaning, and the query behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, FromClause, ScalarSelect, Select, func, select

# day and moment are times, shown in the chosen zone; amount is minor units, unit_amount a price
# in them that may have a fraction; a constant is the same in every row.
Kind = Literal["text", "number", "amount", "unit_amount", "day", "moment", "constant"]


@dataclass(frozen=True)
class Column:
    """One thing a row can say. `of` is SQL, or the text of a constant."""

    key: str
    kind: Kind
    meaning: str
    of: Any


@dataclass(frozen=True)
class Rows:
    """One kind of row: what it can say, where it comes from, and its amounts' currency."""

    key: str
    name: str
    columns: tuple[Column, ...]
    source: FromClause
    currency: ColumnElement[str]

    def has(self, key: str) -> bool:
        return any(each.key == key for each in self.columns)

    def column(self, key: str) -> Column:
        """The column of that key; KeyError when there is none."""
        return {each.key: each for each in self.columns}[key]

    def query(
        self,
        keys: tuple[str, ...],
        conditions: list[ColumnElement[bool]],
        order: list[ColumnElement[Any]],
    ) -> Select[Any]:
        """The currency and then those columns, none for a constant, of every matching row."""
        wanted = [self.column(key) for key in keys]
        read = [c.of.label(f"c_{c.key}") for c in wanted if c.kind != "constant"]
        statement: Select[Any] = select(self.currency.label("currency"), *read)
        return statement.select_from(self.source).where(*conditions).order_by(*order)


def listed(found: Select[Any], of: Any) -> ScalarSelect[str]:
    """The different texts of a one-column query about `of`'s row, in one text, by commas."""
    each = found.distinct().correlate(of).subquery()
    # DISTINCT inside the aggregate would not let SQLite have a separator.
    joined = func.aggregate_strings(next(iter(each.c)), ",")
    return select(joined).select_from(each).scalar_subquery()

"""How documents are found: the SQL for fields with certain values, in order of creation."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

RANGES = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
# Fields with few values: another field, where there is one, finds the documents sooner.
COARSE = frozenset({"active", "currency", "enabled", "is_default", "status", "type"})


def query(
    kind: str,
    equal: Mapping[str, Any],
    indexed: Collection[str],
    *,
    newest_first: bool,
    after: tuple[int, int] | None = None,
    created: Mapping[str, int] | None = None,
    limit: int = -1,
) -> tuple[str, list[Any]]:
    """The SQL of `Transaction.scan`, and its values: an index gives the documents in order, so a
    page of a long list costs no more than a page of a short one. `indexed` names the fields that
    have one."""
    fields = tuple(Field.of(name, value, name in indexed) for name, value in equal.items())
    values: list[Any] = [kind]
    for field in fields:
        wanted = equal[field.name] if field.several else [equal[field.name]]
        if field.indexed:
            values += [kind, field.name, *map(index_text, wanted)]
        else:
            values += [f"$.{field.name}", *(wanted if field.count else ())]
    sql = _sql(fields, newest_first, after is not None, tuple(created or ()))
    return sql, [*values, *(after or ()), *(created or {}).values(), limit]


class Field(NamedTuple):
    """How documents are found by a field: through its index or not, and how many values are wanted;
    none of them means that it must be null."""

    name: str
    indexed: bool
    several: bool
    count: int

    @classmethod
    def of(cls, name: str, value: Any, indexed: bool) -> Field:
        several = isinstance(value, list | tuple)
        wanted = value if several else [value]
        indexed = indexed and all(isinstance(one, str | int) for one in wanted)
        return cls(name, indexed, several, 0 if wanted == [None] else len(wanted))

    @property
    def leads(self) -> bool:
        """Whether its index may give the documents in their order: several common values would
        have to be merged and sorted."""
        return self.indexed and not (self.several and self.name in COARSE)


@lru_cache(maxsize=1000)
def _sql(
    fields: tuple[Field, ...], newest_first: bool, after: bool, created: tuple[str, ...]
) -> str:
    driver = min(
        (field for field in fields if field.leads),
        key=lambda field: (field.several, field.name in COARSE),
        default=None,
    )
    conditions = ["o.kind = ?", "o.deleted = 0"]
    if driver is None:
        source, at = "objects o", "o"
    else:
        source, at = "fields f CROSS JOIN objects o ON o.seq = f.seq", "f"
    for field in fields:
        marks = ", ".join("?" * field.count)
        if field == driver:
            conditions.append(f"f.kind = ? AND f.field = ? AND f.value IN ({marks})")
        elif field.indexed:
            conditions.append(
                "EXISTS (SELECT 1 FROM fields x WHERE x.kind = ? AND x.field = ?"  # noqa: S608
                f" AND x.value IN ({marks}) AND x.created = o.created AND x.seq = o.seq)"
            )
        elif not field.count:
            conditions.append("json_extract(o.doc, ?) IS NULL")
        else:
            conditions.append(f"json_extract(o.doc, ?) IN ({marks})")
    direction, beyond = ("DESC", "<") if newest_first else ("ASC", ">")
    if after:
        conditions.append(f"({at}.created, {at}.seq) {beyond} (?, ?)")
    conditions += [f"{at}.created {RANGES[name]} ?" for name in created]
    return (
        f"SELECT o.doc FROM {source} WHERE {' AND '.join(conditions)}"  # noqa: S608
        f" ORDER BY {at}.created {direction}, {at}.seq {direction} LIMIT ?"
    )


def index_text(value: Any) -> str:
    """A value as it stands in the index."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)

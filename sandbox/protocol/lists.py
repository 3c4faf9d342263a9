"""Stripe's list object: a page of documents, newest first, with cursors and filters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flask import request

from sandbox.errors import ApiError, missing
from sandbox.query import RANGES
from sandbox.store import dig, store

Filter = Mapping[str, Any] | Callable[[dict[str, Any]], bool] | None
BATCH = 500


def lists(
    kind: str, params: Mapping[str, Any], *, where: Filter = None, order: str = "created desc"
) -> dict[str, Any]:
    """A page of `kind` for a list endpoint's parameters.

    `where` is a predicate, or fields and the values they must have: None means any value, a list
    any of its members, {gt, gte, lt, lte} a range, a predicate is asked about the document.
    `order` is "created desc" or "created asc".
    """
    limit = _limit(params)
    after, before = params.get("starting_after"), params.get("ending_before")
    if after and before:
        raise ApiError(
            400, "You may only specify one of these parameters: ending_before, starting_after."
        )
    newest_first = order.endswith("desc") is not bool(before)
    page = []
    for doc in _matching(kind, params, where, newest_first, _cursor(kind, params), limit):
        page.append(doc)
        if len(page) > limit:
            break
    has_more, page = len(page) > limit, page[:limit]
    return list_object(page[::-1] if before else page, has_more)


def list_object(
    docs: list[dict[str, Any]], has_more: bool = False, url: str | None = None
) -> dict[str, Any]:
    """Stripe's list object around documents; `url` defaults to the request's path."""
    return {"object": "list", "data": docs, "has_more": has_more, "url": url or request.path}


def page_of(docs: list[dict[str, Any]], params: Mapping[str, Any]) -> dict[str, Any]:
    """A page of documents that are already at hand in their order, such as an invoice's lines."""
    limit = _limit(params)
    ids = [doc["id"] for doc in docs]
    start, stop = 0, len(docs)
    for name in ("starting_after", "ending_before"):
        cursor = params.get(name)
        if cursor and cursor not in ids:
            raise missing("object", cursor, name, status=400)
    if params.get("ending_before"):
        stop = ids.index(params["ending_before"])
        start = max(stop - limit, 0)
        return list_object(docs[start:stop], start > 0)
    if params.get("starting_after"):
        start = ids.index(params["starting_after"]) + 1
    return list_object(docs[start : start + limit], start + limit < stop)


def _limit(params: Mapping[str, Any]) -> int:
    limit = params.get("limit", 10)
    if limit > 100:
        raise ApiError(
            400,
            f"This value must be less than or equal to 100 (it currently is '{limit}').",
            code="parameter_invalid_integer",
            param="limit",
        )
    if limit < 1:
        raise ApiError(
            400,
            f"This value must be greater than or equal to 1 (it currently is '{limit}').",
            code="parameter_invalid_integer",
            param="limit",
        )
    return limit


def _cursor(kind: str, params: Mapping[str, Any]) -> tuple[int, int] | None:
    for name in ("starting_after", "ending_before"):
        if params.get(name):
            position = store.position(kind, params[name])
            if position is None:
                raise missing(kind, params[name], name, status=400)
            return position
    return None


def _matching(
    kind: str,
    params: Mapping[str, Any],
    where: Filter,
    newest_first: bool,
    after: tuple[int, int] | None,
    limit: int,
) -> Iterator[dict[str, Any]]:
    equal, checks = _split(where)
    created = params.get("created")
    if isinstance(created, int):
        created = {"gte": created, "lte": created}
    # Where Python must look at each document, documents are read in batches.
    size = BATCH if checks else limit + 1
    while True:
        batch = list(
            store.scan(
                kind, equal, newest_first=newest_first, after=after, created=created, limit=size
            )
        )
        yield from (doc for doc in batch if all(check(doc) for check in checks))
        if len(batch) < size:
            return
        after = store.position(kind, batch[-1]["id"])


def _split(where: Filter) -> tuple[dict[str, Any], list[Callable[[dict[str, Any]], bool]]]:
    if where is None:
        return {}, []
    if callable(where):
        return {}, [where]
    equal, checks = {}, []
    for name, value in where.items():
        if callable(value):
            checks.append(value)
        elif isinstance(value, Mapping):
            checks.append(_within(name, value))
        elif value is not None:
            equal[name] = value
    return equal, checks


def _within(name: str, bounds: Mapping[str, Any]) -> Callable[[dict[str, Any]], bool]:
    compare = {
        "gt": lambda a, b: a > b,
        "gte": lambda a, b: a >= b,
        "lt": lambda a, b: a < b,
        "lte": lambda a, b: a <= b,
    }

    def check(doc: dict[str, Any]) -> bool:
        value = dig(doc, name)
        if set(bounds) - set(RANGES):
            return all(dig(doc, f"{name}.{key}") == bound for key, bound in bounds.items())
        return value is not None and all(compare[op](value, b) for op, b in bounds.items())

    return check

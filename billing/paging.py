"""A long list a page at a time, by key: a page costs the same however far down it lies.

Nothing is counted and nothing skipped, so the page says whether there is more, not how much.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import abort, request, url_for
from sqlakeyset import BadBookmark, InvalidPage, select_page, unserialize_bookmark
from sqlalchemy import Select
from sqlalchemy.exc import StatementError

from models import db

PAGE_SIZE = 25
# Statements that order by a column that may be null leave the nulls out themselves.
warnings.filterwarnings("ignore", "Ordering by nullable column", UserWarning, "sqlakeyset")


@dataclass(frozen=True)
class Page:
    """One page; `newer` and `older` are addresses with the same search, None at an end."""

    rows: Sequence[Any]
    newer: str | None
    older: str | None


def page(statement: Select[Any], size: int = PAGE_SIZE) -> Page:
    """The page of `statement` that the request's `page` names, the first without one.

    The statement selects one entity and is ordered by columns that together are unique. A page
    name that is none of ours is 404.
    """
    try:
        place = unserialize_bookmark(request.args.get("page") or ">")
        found = select_page(db.session, statement, per_page=size, page=place)
    except (BadBookmark, InvalidPage, ValueError, StatementError):
        db.session.rollback()
        abort(404)
    paging = found.paging
    return Page(
        rows=[row[0] for row in found],
        newer=_address(paging.bookmark_previous) if paging.has_previous else None,
        older=_address(paging.bookmark_next) if paging.has_next else None,
    )


def _address(bookmark: str) -> str:
    search = {name: value for name, value in request.args.items() if name != "page"}
    search.update(request.view_args or {})
    return url_for(request.endpoint or "", **search, page=bookmark)

"""The numbers of rows in our addresses."""

from __future__ import annotations

from typing import Any

from werkzeug.routing import IntegerConverter, Map

# What an INTEGER column of PostgreSQL holds; it and SQLite fail on more than they hold.
MOST = 2**31 - 1


class RowNumber(IntegerConverter):
    """A whole number that may be a row's; the address of a larger one leads nowhere, 404."""

    def __init__(self, map: Map, *args: Any, **kwargs: Any):
        kwargs.setdefault("max", MOST)
        super().__init__(map, *args, **kwargs)

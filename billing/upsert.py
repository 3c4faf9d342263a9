"""Insert or change one row in a short transaction of its own, whatever the caller is doing.

For bookkeeping about the portal itself, which must never fail or hold up what it is about.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from models import db

log = logging.getLogger(__name__)

INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def upsert(model: Any, rows: list[dict[str, Any]], change: Callable[[Any], dict[str, Any]]) -> None:
    """Inserts `rows`; one that exists is set to `change(statement)` instead.

    Runs on a connection of its own and commits. What the database refuses is logged, not raised.
    """
    try:
        with db.engine.begin() as connection:
            for values in rows:
                statement = INSERT[db.engine.dialect.name](model).values(**values)
                keys = [column.name for column in model.__table__.primary_key]
                connection.execute(
                    statement.on_conflict_do_update(index_elements=keys, set_=change(statement))
                )
    except SQLAlchemyError as error:
        log.warning("%s was not noted: %s", model.__tablename__, type(error).__name__)

"""Does the database answer, and how large is it?"""

from __future__ import annotations

import time

from sqlalchemy import text

from billing.health.check import ATTENTION, GOOD, Check
from models import db

# Milliseconds for a question that reads one row.
SLOW = 200
SIZE = {
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
    "postgresql": "SELECT pg_database_size(current_database())",
}

NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def answering() -> Check:
    """Raises SQLAlchemyError when it does not answer."""
    name, title = "database", "Database"
    began = time.perf_counter()
    db.session.execute(text("SELECT count(*) FROM task_runs"))
    took = round((time.perf_counter() - began) * 1000)
    kind = db.engine.dialect.name
    size = db.session.scalar(text(SIZE[kind])) or 0
    said = f"{NAMES[kind]} answers within {max(took, 1)} ms and holds {_size(size)}."
    if took < SLOW:
        return Check(name, title, GOOD, said, figure=took)
    return Check(
        name,
        title,
        ATTENTION,
        said,
        "the database is slow",
        "See what else runs on its machine, whether its disk is full, and, with SQLite, whether "
        "another process holds the file.",
        took,
    )


def _size(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(size / 1e6, 0.1):.1f} MB"

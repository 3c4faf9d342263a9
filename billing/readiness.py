"""Can the portal do its work: does the database answer, is its schema the code's?"""

from __future__ import annotations

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app

from models import db


def pending_migrations() -> list[str]:
    """The revisions the database still lacks; SQLAlchemyError when it does not answer."""
    script = ScriptDirectory(current_app.extensions["migrate"].directory)
    with db.engine.connect() as connection:
        present = MigrationContext.configure(connection).get_current_heads()
    return sorted(set(script.get_heads()) - set(present))

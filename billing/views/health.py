"""Is the process up, and can it do its work?"""

from __future__ import annotations

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from models import db

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def healthz() -> ResponseReturnValue:
    """200 while the process answers; touches nothing else."""
    return jsonify(status="ok")


@bp.get("/readyz")
def readyz() -> ResponseReturnValue:
    """200 when the database answers and its schema is the code's; 503 and the reason when not."""
    try:
        ready = pending_migrations() == []
    except SQLAlchemyError:
        return jsonify(status="the database does not answer"), 503
    if not ready:
        return jsonify(status="migrations are pending: run flask db upgrade"), 503
    return jsonify(status="ok")


def pending_migrations() -> list[str]:
    """The revisions the database still lacks; raises SQLAlchemyError when it does not answer."""
    directory = current_app.extensions["migrate"].directory
    script = ScriptDirectory(directory)
    with db.engine.connect() as connection:
        present = MigrationContext.configure(connection).get_current_heads()
    wanted = set(script.get_heads())
    return sorted(wanted - set(present))

"""Is the process up, and can it do its work?"""

from __future__ import annotations

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from billing.extensions import talisman
from billing.readiness import pending_migrations

# Asked by machines on this side of the TLS proxy, so without TLS and without a redirect to it.
bp = Blueprint("health", __name__)


@bp.get("/healthz")
@talisman(force_https=False)
def healthz() -> ResponseReturnValue:
    """200 while the process answers; touches nothing else."""
    return jsonify(status="ok")


@bp.get("/readyz")
@talisman(force_https=False)
def readyz() -> ResponseReturnValue:
    """200 when the database answers and its schema is the code's; 503 and the reason when not."""
    try:
        pending = pending_migrations()
    except SQLAlchemyError:
        return jsonify(status="the database does not answer"), 503
    if pending:
        return jsonify(status="migrations are pending: run flask db upgrade"), 503
    return jsonify(status="ok")

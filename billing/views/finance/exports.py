"""Downloads of finance: what each was to hold, and by what a whole file is told."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, render_template
from sqlalchemy import select

from billing import paging
from billing.authorization import staff_required
from models import ExportRun, db

bp = Blueprint("finance_exports", __name__, url_prefix="/finance/exports")


@bp.get("")
@staff_required("admin", "finance")
def index() -> Any:
    newest = select(ExportRun).order_by(ExportRun.started_at.desc(), ExportRun.id.desc())
    return render_template("finance/exports/index.html", page=paging.page(newest))


@bp.get("/<run_id>")
@staff_required("admin", "finance")
def show(run_id: str) -> Any:
    run = db.session.get(ExportRun, run_id)
    if run is None:
        abort(404)
    return render_template("finance/exports/show.html", run=run)

"""Refunds as finance finds them, adds them up and exports them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template
from sqlalchemy import select
from sqlalchemy.orm import defer

from billing import paging
from billing.authorization import staff_required
from billing.exports import runs, totals
from billing.exports.forms import ExportForm, RefundForm
from billing.exports.period import zones
from billing.exports.refunds import origins_of
from models import Refund

bp = Blueprint("finance_refunds", __name__, url_prefix="/finance")


@bp.get("/refunds")
@staff_required("admin", "finance")
def index() -> Any:
    return _page(RefundForm(), ExportForm("refunds"))


@bp.get("/refunds.csv", defaults={"ending": "csv"})
@bp.get("/refunds.xlsx", defaults={"ending": "xlsx"})
@staff_required("admin", "finance")
def export(ending: str) -> Any:
    """Every row that the page finds, as a file."""
    form, export_form = RefundForm(), ExportForm("refunds")
    if not (form.is_good() and export_form.validate()):
        return _page(form, export_form)
    return runs.download(ending, form, export_form)


def _page(form: RefundForm, export_form: ExportForm) -> Any:
    is_good = form.is_good() & export_form.validate()
    if not is_good:
        return render_template(
            "finance/refunds/index.html", form=form, export=export_form, zones=zones()
        ), 422
    chosen = form.selection
    found = select(Refund).where(*chosen.conditions()).order_by(*chosen.newest_first())
    page = paging.page(found.options(defer(Refund.data)))
    return render_template(
        "finance/refunds/index.html",
        form=form,
        export=export_form,
        zones=zones(),
        page=page,
        origins=origins_of(page.rows),
        totals=totals.of_refunds(chosen),
    )

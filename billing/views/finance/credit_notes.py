"""Credit notes as finance finds them, adds them up and exports them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template
from sqlalchemy import select
from sqlalchemy.orm import defer

from billing import paging
from billing.authorization import staff_required
from billing.exports import runs, totals
from billing.exports.credit_notes import invoices_of
from billing.exports.forms import CreditNoteForm, ExportForm
from billing.exports.layouts import ROWS
from billing.exports.period import zones
from models import CreditNote

bp = Blueprint("finance_credit_notes", __name__, url_prefix="/finance")


@bp.get("/credit-notes")
@staff_required("admin", "finance")
def index() -> Any:
    return _page(CreditNoteForm(), ExportForm("credit_notes"))


@bp.get("/credit-notes.csv", defaults={"ending": "csv"})
@bp.get("/credit-notes.xlsx", defaults={"ending": "xlsx"})
@staff_required("admin", "finance")
def export(ending: str) -> Any:
    """Every row that the page finds, as a file."""
    form, export_form = CreditNoteForm(), ExportForm("credit_notes")
    if not (form.is_good() and export_form.validate()):
        return _page(form, export_form)
    return runs.download(ending, form, export_form)


def _page(form: CreditNoteForm, export_form: ExportForm) -> Any:
    is_good = form.is_good() & export_form.validate()
    if not is_good:
        return render_template(
            "finance/credit_notes/index.html", form=form, export=export_form, zones=zones()
        ), 422
    chosen = form.selection
    found = (
        select(CreditNote)
        .select_from(ROWS["credit_notes"].source)
        .where(*chosen.conditions())
        .order_by(*chosen.newest_first())
    )
    page = paging.page(found.options(defer(CreditNote.data)))
    return render_template(
        "finance/credit_notes/index.html",
        form=form,
        export=export_form,
        zones=zones(),
        page=page,
        invoices=invoices_of(page.rows),
        totals=totals.of_credit_notes(chosen),
    )

"""Invoices as finance finds them, adds them up and exports them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template
from sqlalchemy import select
from sqlalchemy.orm import defer

from billing import paging
from billing.authorization import staff_required
from billing.exports import runs, totals
from billing.exports.forms import ExportForm, InvoiceForm
from billing.exports.period import zones
from billing.invoice_parts import PARTS
from models import Invoice

bp = Blueprint("finance_invoices", __name__, url_prefix="/finance")


@bp.get("/invoices")
@staff_required("admin", "finance")
def index() -> Any:
    """A page of what matches, what it comes to per currency, and how to take it away."""
    return _page(InvoiceForm(), ExportForm("invoices", "invoice_lines"))


@bp.get("/invoices.csv", defaults={"ending": "csv"})
@bp.get("/invoices.xlsx", defaults={"ending": "xlsx"})
@staff_required("admin", "finance")
def export(ending: str) -> Any:
    """Every row that the page finds, as a file."""
    form, export_form = InvoiceForm(), ExportForm("invoices", "invoice_lines")
    if not (form.is_good() and export_form.validate()):
        return _page(form, export_form)
    return runs.download(ending, form, export_form)


def _page(form: InvoiceForm, export_form: ExportForm) -> Any:
    is_good = form.is_good() & export_form.validate()
    if not is_good:
        return render_template(
            "finance/invoices/index.html", form=form, export=export_form, zones=zones()
        ), 422
    chosen = form.selection
    found = select(Invoice).where(*chosen.conditions()).order_by(*chosen.newest_first())
    page = paging.page(found.options(defer(Invoice.data)))
    return render_template(
        "finance/invoices/index.html",
        form=form,
        export=export_form,
        zones=zones(),
        page=page,
        part=PARTS.get(chosen.part),
        amounts=totals.parts_of(page.rows, chosen.part) if chosen.part else {},
        totals=totals.of_invoices(chosen),
        lines=totals.lines(chosen),
    )

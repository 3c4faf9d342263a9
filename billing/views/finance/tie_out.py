"""Whether what was invoiced in a period is accounted for, to the cent."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template

from billing import tie_out
from billing.authorization import staff_required
from billing.clock import now
from billing.exports import cells, csv_file
from billing.exports.forms import PeriodForm
from billing.exports.period import zones
from billing.invoice_parts import PARTS

bp = Blueprint("finance_tie_out", __name__, url_prefix="/finance")
HEADINGS = ("currency", "figure", "name", "amount", "rows", "meaning")


@bp.get("/tie-out")
@staff_required("admin", "finance")
def show() -> Any:
    form = PeriodForm()
    if not form.is_good():
        return render_template("finance/tie_out/show.html", form=form, zones=zones()), 422
    return render_template(
        "finance/tie_out/show.html",
        form=form,
        zones=zones(),
        found=tie_out.of(form.period),
        differing=tie_out.differing(form.period),
        parts=PARTS,
        apart=tie_out.APART,
        of_paid=tie_out.OF_PAID,
    )


@bp.get("/tie-out.csv")
@staff_required("admin", "finance")
def export() -> Any:
    """The same figures as a file, one in each row."""
    form = PeriodForm()
    if not form.is_good():
        return show()
    rows = (
        (currency.upper(), key, name, cells.amount(amount, currency), str(count), meaning)
        for currency, key, name, amount, count, meaning in tie_out.rows(tie_out.of(form.period))
    )
    body = b"".join(csv_file.pieces(HEADINGS, rows))
    name = f"tie-out-{now():%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(body, content_type=csv_file.MIME, headers=headers)

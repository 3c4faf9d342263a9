"""Recurring revenue: what it is, what moved it, whom it comes from."""

from __future__ import annotations

from typing import Any

from babel.numbers import get_currency_name
from flask import (
    Blueprint,
    Response,
    abort,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)
from flask_babel import get_locale

from billing import paging
from billing.authorization import staff_required
from billing.clock import now
from billing.exports import csv_file
from billing.metrics import drawing, names, tables
from billing.metrics import recovery as failed
from billing.metrics.definitions import DEFINITIONS
from billing.metrics.months import Month
from billing.metrics.report import Report, months_known
from billing.metrics.view import chosen

bp = Blueprint("finance_metrics", __name__, url_prefix="/finance")


@bp.get("", strict_slashes=False)
@staff_required("admin", "finance")
def home() -> Any:
    """Where finance begins."""
    return redirect(url_for(".index"))


@bp.get("/metrics")
@staff_required("admin", "finance")
def index() -> Any:
    report = _report()
    return _page("index", report, months=months_known(report.now), charts=_charts(report))


@bp.get("/metrics/subscribers")
@staff_required("admin", "finance")
def subscribers() -> Any:
    report = _report()
    listing = _listing(report)
    page = names.page(listing.rows, request.args.get("page", type=int, default=1))
    return _page("subscribers", report, listing=listing, page=page)


@bp.get("/metrics/failed-payments")
@staff_required("admin", "finance")
def failed_payments() -> Any:
    report = _report()
    outcome = request.args.get("outcome")
    if outcome not in {None, *failed.OUTCOMES}:
        abort(404)
    page = paging.page(failed.invoices(report.view, report.month, outcome))
    (recovery,) = failed.by_month(report.view, [report.month])
    return _page("failed_payments", report, page=page, outcome=outcome, recovery=recovery)


@bp.get("/metrics/<table>.csv")
@staff_required("admin", "finance")
def export(table: str) -> Any:
    """One of the page's tables, or the subscribers behind a figure, as CSV."""
    report = _report()
    if table == "subscribers":
        rows = tables.subscribers(_listing(report), report.view.currency)
    elif table in tables.OF_REPORT:
        rows = tables.OF_REPORT[table](report)
    else:
        abort(404)
    name = f"{table}-{report.month.key}-{report.view.key}.csv"
    return Response(
        stream_with_context(csv_file.pieces(next(rows), rows)),
        content_type=csv_file.MIME,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _report() -> Report:
    """What the address asks for: a month, this one by default, and a currency; else 404."""
    moment = now()
    view = chosen(request.args.get("currency") or None)
    try:
        month = Month.named(request.args.get("month") or Month.of(moment).key)
    except ValueError:
        abort(404)
    if view is None or month > Month.of(moment):
        abort(404)
    return Report(view, month, moment)


def _listing(report: Report) -> Any:
    try:
        cohort = request.args.get("cohort")
        first = Month.named(cohort) if cohort else None
        return report.listing(request.args.get("figure", ""), first)
    except (KeyError, ValueError):
        abort(404)


def _charts(report: Report) -> dict[str, Any]:
    locale = _locale()
    if report.is_empty:
        return {}
    return {
        "mrr": drawing.mrr(report, locale),
        "movements": drawing.movements(report, locale),
        "recovery": drawing.recovery(report, locale),
    }


def _locale() -> str:
    return str(get_locale() or "en_US")


def _page(template: str, report: Report, **more: Any) -> str:
    return render_template(
        f"finance/metrics/{template}.html",
        report=report,
        view=report.view,
        definitions=DEFINITIONS,
        words=drawing.NAMES,
        currency_name=get_currency_name(report.view.currency.upper(), locale=_locale()),
        # Every link of these pages keeps the month and the currency.
        kept={"month": report.month.key, "currency": report.view.key},
        **more,
    )

"""The account's invoices: the list with its search, one invoice, and all of them as CSV."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, render_template, request, stream_with_context, url_for
from flask_wtf import FlaskForm
from wtforms import DateField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, Optional, ValidationError

from billing import (
    invoice_breakdown,
    invoice_search,
    invoices_csv,
    open_invoices,
    payment_methods,
    pending_change,
    recent_invoices,
)
from billing.authorization import current_account, current_role, member_required, owned_or_404
from billing.clock import now
from billing.invoice_search import Filters
from billing.payment_methods import SavedMethod
from models import Invoice

bp = Blueprint("invoices", __name__)

BAD_DAY = "Give a day as 2026-11-30."
STATUS_CHOICES = [
    SelectChoice("", "All"),
    SelectChoice("open", "Open"),
    SelectChoice("paid", "Paid"),
    SelectChoice("uncollectible", "Not collected"),
    SelectChoice("void", "Void"),
]


class FilterForm(FlaskForm):
    """The search, by GET: it changes nothing, so it carries no token and can be bookmarked."""

    class Meta:
        csrf = False

    q = StringField("Search", [Length(max=100)])
    status = SelectField("Status", choices=STATUS_CHOICES, default="")
    since = DateField("From", [Optional()])
    until = DateField("To", [Optional()])

    def validate_until(self, field: DateField) -> None:
        if self.since.data and field.data and field.data < self.since.data:
            raise ValidationError("This day is before the first.")

    @property
    def filters(self) -> Filters:
        return Filters(
            (self.q.data or "").strip(), self.status.data or "", self.since.data, self.until.data
        )


def _filter_form() -> tuple[FilterForm, bool]:
    form = FilterForm(request.args)
    is_good = form.validate()
    for field in (form.since, form.until):
        if field.process_errors:
            field.errors = [BAD_DAY]
    return form, is_good


@bp.get("/invoices")
@member_required()
def index() -> Any:
    """A page of what matches; a filter that makes no sense is said at its field and finds none."""
    form, is_good = _filter_form()
    customer_id = current_account.stripe_customer_id
    number = request.args.get("page", 1, type=int)
    page = invoice_search.page(customer_id if is_good else None, form.filters, number)
    # The search alone: `url_for` takes other names, such as _scheme, for orders.
    chosen = {field.name: value for field in form if (value := request.args.get(field.name))}
    return render_template(
        "invoices/index.html",
        form=form,
        page=page,
        titles={one.stripe_id: recent_invoices.title(one) for one in page.invoices},
        due=invoice_search.totals_due(customer_id),
        newer=url_for(".index", **chosen, page=page.number - 1) if page.has_newer else None,
        older=url_for(".index", **chosen, page=page.number + 1) if page.has_older else None,
        export_url=url_for(".export", **chosen),
    ), 200 if is_good else 422


@bp.get("/invoices.csv")
@member_required()
def export() -> Any:
    """What the list shows under the same filters, all pages of it, as one file."""
    form, is_good = _filter_form()
    if not is_good:
        return index()
    found = invoice_search.every(current_account.stripe_customer_id, form.filters)
    name = f"invoices-{now():%Y-%m-%d}.csv"
    return Response(
        stream_with_context(invoices_csv.rows(found)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@bp.get("/invoices/<stripe_id>")
@member_required()
def show(stripe_id: str) -> Any:
    """One invoice; those who may pay find how, when something is due."""
    invoice = owned_or_404(Invoice, stripe_id)
    if invoice.status == "draft":
        abort(404)
    return page_of(invoice)


def page_of(invoice: Invoice, *, status: int = 200, **more: Any) -> Any:
    """The invoice's page; `more` says how a payment went: problem, chosen, attempt."""
    saved: list[SavedMethod] = []
    owed: list[Invoice] = []
    if invoice.can_be_paid and current_role() != "viewer":
        saved = payment_methods.saved(current_account)
        owed = open_invoices.of(current_account.stripe_customer_id)
    more.setdefault("chosen", request.args.get("method"))
    return render_template(
        "invoices/show.html",
        invoice=invoice,
        title=recent_invoices.title(invoice),
        steps=invoice_breakdown.steps(invoice),
        after_total=invoice_breakdown.after_total(invoice),
        payments=invoice_breakdown.payments(invoice),
        saved=saved,
        owed=owed,
        change=pending_change.paid_by(invoice),
        **more,
    ), status

"""The audit log: who did what, when, from where, before and after. Nothing can be changed here."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request
from flask_wtf import FlaskForm
from wtforms import DateField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, Optional, Regexp

from billing import audit_search
from billing.audit_search import Filters
from billing.authorization import staff_required
from billing.paging import page
from models import AuditEntry, db

bp = Blueprint("admin_audit", __name__, url_prefix="/admin/audit")

BAD_DAY = "Give a day as 2026-11-30."


class FilterForm(FlaskForm):
    """The search, by GET: it changes nothing, so it carries no token and can be bookmarked."""

    class Meta:
        csrf = False

    who = StringField("Who", [Length(max=255)])
    action = SelectField("Action", default="")
    account = StringField("Account number", [Optional(), Regexp(r"\s*[0-9]{1,18}\s*$")])
    day = DateField("Day", [Optional()])

    @property
    def filters(self) -> Filters:
        who = (self.who.data or "").strip()
        account = (self.account.data or "").strip()
        return Filters(who, self.action.data or "", account, self.day.data)


def _words(action: str) -> str:
    """The action "price_change.confirmed" as people read it."""
    return action.replace("_", " ").replace(".", ": ").capitalize()


@bp.get("")
@staff_required("admin")
def index() -> Any:
    form = FilterForm(request.args)
    # Also the one asked for: a link may name an action that has not happened yet.
    known = sorted({*audit_search.actions(), form.action.data or ""} - {""})
    form.action.choices = [SelectChoice("", "All"), *(SelectChoice(a, _words(a)) for a in known)]
    is_good = form.validate()
    if form.account.errors:
        form.account.errors = ["Give the account's number, such as 42."]
    if form.day.process_errors:
        form.day.errors = [BAD_DAY]
    found = page(audit_search.newest_first(form.filters)) if is_good else None
    return render_template(
        "admin/audit/index.html",
        form=form,
        page=found,
        searching=not is_good or not form.filters.is_empty,
        changes=audit_search.changes,
    ), (200 if is_good else 422)


@bp.get("/<int:entry_number>")
@staff_required("admin")
def show(entry_number: int) -> Any:
    entry = db.get_or_404(AuditEntry, entry_number)
    return render_template(
        "admin/audit/show.html",
        entry=entry,
        changes=audit_search.changes(entry),
        unchanged=audit_search.unchanged(entry),
    )

"""Access that staff give an account beside what it pays for: given until a day, and taken back."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import DateField, RadioField, SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, ValidationError

from billing import access, access_grants, dates
from billing.authorization import staff_required
from billing.clock import now
from billing.errors import Refused
from billing.views.admin.customers import ACCOUNT, CARE, account_or_404
from models import AccessGrant, Product, db

bp = Blueprint("admin_access_grants", __name__, url_prefix="/admin/customers")

A_GRANT = f"{ACCOUNT}/access-grants/<int:grant_number>/revocation"
LONGEST = timedelta(days=5 * 366)
LEVELS = (("full", "Everything"), ("read_only", "Look at everything, change nothing"))
BAD_DAY = "Give a day as 2026-11-30."


class GrantForm(FlaskForm):
    level = RadioField(
        "What they may do", choices=[SelectChoice(*each) for each in LEVELS], default="full"
    )
    plan = SelectField("Plan", default="")
    last_day = DateField("Last day, UTC", [InputRequired(BAD_DAY)])
    reason = TextAreaField(
        "Why",
        [
            InputRequired("Say why, for whoever asks later."),
            Length(max=500, message="Please keep it under 500 characters."),
        ],
        filters=[lambda text: (text or "").strip()],
    )

    def __init__(self, plans: list[Product]):
        super().__init__()
        none = SelectChoice("", "The plan they have")
        self.plan.choices = [none, *(SelectChoice(p.stripe_id, p.name) for p in plans)]

    def validate_last_day(self, field: DateField) -> None:
        if field.data is None:
            return
        if field.data < now().date():
            raise ValidationError("This day is over.")
        if field.data > (now() + LONGEST).date():
            raise ValidationError("Five years at most.")

    def validate_reason(self, field: TextAreaField) -> None:
        if not field.data:
            raise ValidationError("Say why, for whoever asks later.")


def end_of(day: date) -> datetime:
    """The moment after a day, in UTC, so that the day itself counts."""
    return datetime.combine(day + timedelta(days=1), time(), UTC)


bp.add_app_template_filter(access.last_day, "last_day")


@bp.get(f"{ACCOUNT}/access-grants/new")
@staff_required(*CARE)
def new(account_number: int) -> Any:
    return _page(account_number, GrantForm(_plans()))


@bp.post(f"{ACCOUNT}/access-grants/new")
@staff_required(*CARE)
def create(account_number: int) -> Any:
    account = account_or_404(account_number)
    form = GrantForm(_plans())
    if not form.validate():
        if form.last_day.process_errors:
            form.last_day.errors = [BAD_DAY]
        return _page(account_number, form), 422
    if _is_there_already(account.id, form):
        flash("This very grant is in force already. Nothing was granted twice.", "info")
        return redirect(_back(account_number), 303)
    try:
        access_grants.grant(
            account,
            level=form.level.data,
            ends_at=end_of(form.last_day.data),
            reason=form.reason.data,
            plan=db.session.get(Product, form.plan.data) if form.plan.data else None,
            by=current_user._get_current_object(),
        )
    except Refused as error:
        form.last_day.errors = [error.message]
        return _page(account_number, form), error.status
    flash(f"Granted until {dates.day(form.last_day.data)}. Nobody was charged.", "success")
    return redirect(_back(account_number), 303)


@bp.get(A_GRANT)
@staff_required(*CARE)
def revocation(account_number: int, grant_number: int) -> Any:
    """What taking it back would leave the account with."""
    account = account_or_404(account_number)
    grant = _grant_or_404(account_number, grant_number)
    if grant.revoked_at is not None:
        flash("This grant is revoked already.", "info")
        return redirect(_back(account_number), 303)
    return render_template(
        "admin/access_grants/revocation.html",
        account=account,
        grant=grant,
        decision=access.decide(account, now()),
        otherwise=access.decide(account, now(), without=grant),
    )


@bp.post(A_GRANT)
@staff_required(*CARE)
def revoke(account_number: int, grant_number: int) -> Any:
    account_or_404(account_number)
    grant = _grant_or_404(account_number, grant_number)
    if grant.revoked_at is not None:
        flash("This grant is revoked already. Nothing was changed.", "info")
    else:
        access_grants.revoke([grant], by=current_user._get_current_object())
        flash("The grant is revoked. Nobody was charged.", "success")
    return redirect(_back(account_number), 303)


def _page(account_number: int, form: GrantForm) -> str:
    account = account_or_404(account_number)
    return render_template(
        "admin/access_grants/new.html",
        account=account,
        form=form,
        decision=access.decide(account, now()),
        today=now().date(),
    )


def _plans() -> list[Product]:
    return list(Product.offered())


def _is_there_already(account_id: int, form: GrantForm) -> bool:
    """A second press of the same button, or the same grant in another tab."""
    return (
        db.session.scalar(
            select(AccessGrant.id)
            .where(
                AccessGrant.account_id == account_id,
                AccessGrant.level == form.level.data,
                AccessGrant.ends_at == end_of(form.last_day.data),
                AccessGrant.reason == form.reason.data,
                AccessGrant.product_id.is_not_distinct_from(form.plan.data or None),
                AccessGrant.revoked_at.is_(None),
            )
            .limit(1)
        )
        is not None
    )


def _grant_or_404(account_number: int, grant_number: int) -> AccessGrant:
    grant = db.session.get(AccessGrant, grant_number)
    if grant is None or grant.account_id != account_number:
        abort(404)
    return grant


def _back(account_number: int) -> str:
    return url_for("admin_customers.show", account_number=account_number, _anchor="card-access")

"""The promotion code somebody means to use: typed, checked, shown with its effect, dropped."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField
from wtforms.validators import InputRequired, Length

from billing import promotion_codes
from billing.audit import record
from billing.authorization import current_account, member_required
from billing.errors import StripeBusy, StripeMisconfigured, StripeUnavailable
from billing.extensions import limiter
from billing.promotion_codes import CodeRefused
from models import Product, PromotionCode, db

bp = Blueprint("promotion_code", __name__)


class PromotionCodeForm(FlaskForm):
    """A code, and the change of plan it was typed beside, where it was."""

    code = StringField(
        "Promotion code",
        validators=[
            InputRequired("Enter a code."),
            Length(max=promotion_codes.LONGEST, message="No code of ours is that long."),
        ],
    )
    plan = HiddenField()
    interval = HiddenField()
    seats = HiddenField()
    currency = HiddenField()


@bp.get("/promotion-code")
@member_required("owner", "billing")
def show() -> Any:
    return _page(PromotionCodeForm(request.args))


@bp.post("/promotion-code")
@member_required("owner", "billing")
@limiter.limit("20 per hour", key_func=lambda: f"account:{current_account.id}")
def create() -> Any:
    """Keeps the code for what is bought or changed next; a refusal says why, at the field."""
    form = PromotionCodeForm()
    if not form.validate():
        return _page(form), 422
    try:
        found = promotion_codes.find(form.code.data or "", current_account)
    except CodeRefused as refused:
        form.code.errors = [refused.message]
        return _page(form), refused.status
    except (StripeUnavailable, StripeBusy, StripeMisconfigured) as error:
        db.session.rollback()
        form.code.errors = ["We could not check the code just now. Try again in a minute."]
        return _page(form), error.status
    session["promotion_code"] = found.stripe_id
    record("promotion_code.chosen", found.stripe_id, after={"code": found.code})
    db.session.commit()
    return redirect(_back(form), 303)


@bp.post("/promotion-code/removal")
@member_required("owner", "billing")
def remove() -> Any:
    dropped = session.pop("promotion_code", None)
    if dropped is not None:
        record("promotion_code.dropped", dropped)
        db.session.commit()
    flash("The code is dropped. Prices are shown without it.", "info")
    return redirect(_back(PromotionCodeForm()), 303)


def chosen() -> PromotionCode | None:
    """The code this reader means to use, as long as the mirror says that it can be used."""
    code_id = session.get("promotion_code")
    code = db.session.get(PromotionCode, code_id) if code_id else None
    if code is None or code.customer_id not in (None, current_account.stripe_customer_id):
        return None
    return None if promotion_codes.refusal(code, current_account) else code


def forget() -> None:
    """The code has been used."""
    session.pop("promotion_code", None)


def _page(form: PromotionCodeForm) -> str:
    return render_template("promotion_code/show.html", form=form, held=chosen(), back=_back(form))


def _back(form: PromotionCodeForm) -> str:
    """Where the code was typed: beside a change of plan, else the plans."""
    choice = {"interval": form.interval.data or None}
    plan = Product.offered_as(form.plan.data or "")
    if plan is None:
        return url_for("plans.index", currency=form.currency.data or None, **choice)
    return url_for("plan_change.show", slug=plan.slug, seats=form.seats.data or None, **choice)

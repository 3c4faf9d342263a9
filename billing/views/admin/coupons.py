"""Coupons: made, counted, retired."""

from __future__ import annotations

import re
import secrets
from typing import Any

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for

from billing import coupons, held_discounts, paging, plan_drafts, price_form, stripe_trouble
from billing.authorization import staff_required
from billing.coupon_form import CouponForm, coupon_form
from billing.errors import InvalidRequest
from models import Coupon, Product, PromotionCode, db

bp = Blueprint("admin_coupons", __name__, url_prefix="/admin/coupons")

# Stripe's parameters by the fields they come from.
FIELDS = {"name": "name", "percent_off": "percent", "redeem_by": "redeem_by"}


def coupon_or_404(coupon_id: str) -> Coupon:
    return db.session.get(Coupon, coupon_id) or abort(404)


def attempt_of(form: Any) -> str:
    """The form's own token, under which what it makes is made once."""
    sent = form.attempt.data or ""
    form.attempt.data = sent if re.fullmatch(r"[0-9a-f]{20}", sent) else secrets.token_hex(10)
    return str(form.attempt.data)


@bp.get("")
@staff_required("admin")
def index() -> Any:
    retired = "retired" in request.args
    return render_template(
        "admin/coupons/index.html",
        page=paging.page(coupons.listed(retired=retired)),
        retired=retired,
        names=product_names(),
    )


@bp.get("/new")
@staff_required("admin")
def new() -> Any:
    return _form_page(_form())


@bp.post("")
@staff_required("admin")
def create() -> Any:
    form = _form(request.form)
    attempt = attempt_of(form)
    if not form.validate():
        return _form_page(form), 422
    try:
        coupon, made = coupons.create(form.terms, attempt)
    except stripe_trouble.TROUBLE as error:
        db.session.rollback()
        return _form_page(form, problem=refusal(form, error, FIELDS)), error.status
    if made:
        flash(
            f"{coupon.label} is made. Give it a code for people to type, if they are to.", "success"
        )
    else:
        flash("It was made when you sent this before. This is how it is.", "info")
    return redirect(url_for(".show", coupon_id=coupon.stripe_id), 303)


@bp.get("/<coupon_id>")
@staff_required("admin")
def show(coupon_id: str) -> Any:
    coupon = coupon_or_404(coupon_id)
    page = paging.page(held_discounts.of_coupon(coupon_id))
    names = product_names()
    return render_template(
        "admin/coupons/show.html",
        coupon=coupon,
        codes=db.session.scalars(coupons.codes_of(coupon_id).limit(20)).all(),
        page=page,
        accounts=held_discounts.accounts_of(list(page.rows)),
        code_names=_codes_named(page.rows),
        limited=[names.get(each, each) for each in coupon.applies_to or []],
    )


@bp.post("/<coupon_id>/count")
@staff_required("admin")
def count(coupon_id: str) -> Any:
    """Asks Stripe how often it was redeemed."""
    coupon_or_404(coupon_id)
    try:
        coupons.count_again(coupon_id)
        flash("Counted again at Stripe.", "success")
    except stripe_trouble.TROUBLE as error:
        db.session.rollback()
        flash(stripe_trouble.said(error), "danger")
    return redirect(url_for(".show", coupon_id=coupon_id), 303)


@bp.get("/<coupon_id>/retirement")
@staff_required("admin")
def confirm_retirement(coupon_id: str) -> Any:
    coupon = coupon_or_404(coupon_id)
    if coupon.deleted_at is not None:
        return redirect(url_for(".show", coupon_id=coupon_id))
    return render_template(
        "admin/coupons/retirement.html",
        coupon=coupon,
        has_codes=bool(coupons.active_codes(coupon_id)),
        is_held=held_discounts.is_held(coupon_id),
        is_offered=current_app.config["SETTINGS"].retention_coupon == coupon_id,
    )


@bp.post("/<coupon_id>/retirement")
@staff_required("admin")
def retire(coupon_id: str) -> Any:
    coupon = coupon_or_404(coupon_id)
    name = coupon.label
    if coupon.deleted_at is not None:
        flash(f"{name} is retired already.", "info")
        return redirect(url_for(".show", coupon_id=coupon_id), 303)
    try:
        coupons.retire(coupon_id)
        flash(f"{name} is retired. Whoever has it keeps it.", "success")
    except stripe_trouble.TROUBLE as error:
        db.session.rollback()
        flash(stripe_trouble.said(error), "danger")
    return redirect(url_for(".show", coupon_id=coupon_id), 303)


def refusal(form: Any, error: Any, fields: dict[str, str]) -> str | None:
    """Puts Stripe's refusal at the field it is about; the words for it when it is about none."""
    name = fields.get(error.param or "") if isinstance(error, InvalidRequest) else None
    if name is None:
        return stripe_trouble.said(error)
    form[name].errors = [*form[name].errors, error.message]
    return None


def product_names() -> dict[str, str]:
    """The names of what a coupon may be limited to, by id."""
    return {p.stripe_id: p.name for p in db.session.scalars(db.select(Product))}


def _codes_named(held: Any) -> dict[str, str]:
    """The spelling of the codes that discounts came by."""
    ids = {one.promotion_code_id for one in held if one.promotion_code_id}
    found = db.session.scalars(db.select(PromotionCode).where(PromotionCode.stripe_id.in_(ids)))
    return {code.stripe_id: code.code for code in found}


def _form(formdata: Any = None) -> CouponForm:
    plans = [plan for plan in plan_drafts.plans() if plan.active]
    return coupon_form(price_form.sold_currencies(plans), plans, formdata)


def _form_page(form: CouponForm, problem: str | None = None) -> str:
    attempt_of(form)
    return render_template("admin/coupons/new.html", form=form, problem=problem)

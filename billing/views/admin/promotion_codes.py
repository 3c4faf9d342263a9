"""Promotion codes: made for a coupon, found, switched off."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for

from billing import coupons, held_discounts, paging, plan_drafts, price_form, stripe_trouble
from billing.authorization import staff_required
from billing.clock import now
from billing.coupon_form import CodeForm, code_form
from billing.coupons import CodeTaken
from billing.views.admin.coupons import attempt_of, coupon_or_404, refusal
from models import Coupon, PromotionCode, db

bp = Blueprint("admin_promotion_codes", __name__, url_prefix="/admin/promotion-codes")

# Stripe's parameters by the fields they come from.
FIELDS = {
    "code": "code",
    "customer": "customer",
    "expires_at": "expires_at",
    "max_redemptions": "max_redemptions",
}


@bp.get("")
@staff_required("admin")
def index() -> Any:
    off = "off" in request.args
    typed = request.args.get("code", "").strip()
    return render_template(
        "admin/promotion_codes/index.html",
        page=paging.page(coupons.codes_listed(active=not off, typed=typed)),
        off=off,
        typed=typed,
    )


@bp.get("/new/<coupon_id>")
@staff_required("admin")
def new(coupon_id: str) -> Any:
    coupon = _redeemable_or_404(coupon_id)
    return _form_page(_form(coupon))


@bp.post("/new/<coupon_id>")
@staff_required("admin")
def create(coupon_id: str) -> Any:
    coupon = _redeemable_or_404(coupon_id)
    form = _form(coupon, request.form)
    attempt = attempt_of(form)
    if not form.validate():
        return _form_page(form), 422
    try:
        code, made = coupons.create_code(coupon_id, form.terms, attempt)
    except CodeTaken:
        db.session.rollback()
        form.code.errors = [f"An active code is spelled {form.code.data.upper()} already."]
        return _form_page(form), 422
    except stripe_trouble.TROUBLE as error:
        db.session.rollback()
        return _form_page(form, problem=refusal(form, error, FIELDS)), error.status
    if made:
        flash(f"{code.code} works from now on.", "success")
    else:
        flash(f"{code.code} was made when you sent this before. This is how it is.", "info")
    return redirect(url_for(".show", code_id=code.stripe_id), 303)


@bp.get("/<code_id>")
@staff_required("admin")
def show(code_id: str) -> Any:
    code = _code_or_404(code_id)
    page = paging.page(held_discounts.of_promotion_code(code_id))
    return render_template(
        "admin/promotion_codes/show.html",
        code=code,
        page=page,
        accounts=held_discounts.accounts_of(list(page.rows)),
    )


@bp.get("/<code_id>/retirement")
@staff_required("admin")
def confirm_retirement(code_id: str) -> Any:
    code = _code_or_404(code_id)
    if not code.active:
        return redirect(url_for(".show", code_id=code_id))
    return render_template("admin/promotion_codes/retirement.html", code=code)


@bp.post("/<code_id>/retirement")
@staff_required("admin")
def retire(code_id: str) -> Any:
    code = _code_or_404(code_id)
    spelled, was_active = code.code, code.active
    try:
        coupons.deactivate(code_id)
        if was_active:
            flash(f"{spelled} is switched off. Whoever used it keeps the discount.", "success")
        else:
            flash(f"{spelled} is switched off already.", "info")
    except stripe_trouble.TROUBLE as error:
        db.session.rollback()
        flash(stripe_trouble.said(error), "danger")
    return redirect(url_for(".show", code_id=code_id), 303)


def _code_or_404(code_id: str) -> PromotionCode:
    return db.session.get(PromotionCode, code_id) or abort(404)


def _redeemable_or_404(coupon_id: str) -> Coupon:
    """The coupon; a code for one that cannot be redeemed any more is not to be had."""
    coupon = coupon_or_404(coupon_id)
    if not coupon.can_be_redeemed(now()):
        abort(404)
    return coupon


def _form(coupon: Coupon, formdata: Any = None) -> CodeForm:
    return code_form(coupon, price_form.sold_currencies(plan_drafts.plans()), formdata)


def _form_page(form: CodeForm, problem: str | None = None) -> str:
    attempt_of(form)
    return render_template("admin/promotion_codes/new.html", form=form, problem=problem)

"""A plan's prices: one more interval, one more currency, an interval that is sold no longer.

All of it is drafted with the plan and happens when that is published.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for

from billing import plan_drafts, plan_steps, plan_subscribers, price_form
from billing.authorization import staff_required
from billing.plan_drafts import Subject
from billing.plan_steps import Sold
from billing.price_form import CurrencyForm, PriceForm
from billing.views.admin.plans import subject_or_404
from models import Price

bp = Blueprint("admin_plan_prices", __name__, url_prefix="/admin/plans/<plan_id>")


@bp.get("/prices/new")
@staff_required("admin")
def new(plan_id: str) -> Any:
    return _price_page(subject_or_404(plan_id), _price_form())


@bp.post("/prices")
@staff_required("admin")
def create(plan_id: str) -> Any:
    subject = subject_or_404(plan_id)
    form = _price_form(request.form)
    if not form.validate():
        return _price_page(subject, form), 422
    if plan_steps.is_sold_at(subject, form.cadence):
        form.count.errors = [f"It is sold {form.cadence.adverb} already: add a currency there."]
        return _price_page(subject, form), 422
    step = plan_steps.new_interval(form.interval.data, form.count.number or 1, form.amounts)
    plan_drafts.add_step(plan_id, step)
    return _drafted(subject, f"A price charged {form.cadence.adverb} is drafted.")


@bp.get("/prices/<price_id>/currencies/new")
@staff_required("admin")
def new_currency(plan_id: str, price_id: str) -> Any:
    subject = subject_or_404(plan_id)
    sold = _sold_or_404(subject, price_id, per_unit=True)
    return _currency_page(subject, sold, CurrencyForm(data=request.args))


@bp.post("/prices/<price_id>/currencies")
@staff_required("admin")
def create_currency(plan_id: str, price_id: str) -> Any:
    subject = subject_or_404(plan_id)
    sold = _sold_or_404(subject, price_id, per_unit=True)
    form = CurrencyForm()
    if not form.validate():
        return _currency_page(subject, sold, form), 422
    code, amount = form.added
    if code in sold.amounts:
        form.currency.errors = [f"It is sold in {code.upper()} already."]
        return _currency_page(subject, sold, form), 422
    plan_drafts.add_step(plan_id, plan_steps.new_currency(_price_of(sold), code, amount))
    return _drafted(subject, f"Paying in {code.upper()} is drafted.")


@bp.get("/prices/<price_id>/retirement")
@staff_required("admin")
def confirm_retirement(plan_id: str, price_id: str) -> Any:
    subject = subject_or_404(plan_id)
    sold = _sold_or_404(subject, price_id)
    return render_template(
        "admin/plan_prices/retirement.html",
        subject=subject,
        sold=sold,
        subscribers=plan_subscribers.by_price([price_id]).get(price_id, 0),
    )


@bp.post("/prices/<price_id>/retirement")
@staff_required("admin")
def retire(plan_id: str, price_id: str) -> Any:
    subject = subject_or_404(plan_id)
    sold = _sold_or_404(subject, price_id)
    plan_drafts.add_step(plan_id, plan_steps.retirement(_price_of(sold)))
    return _drafted(subject, f"Selling it {sold.cadence.adverb} no longer is drafted.")


@bp.post("/planned-prices/<step_id>/removal")
@staff_required("admin")
def remove_planned(plan_id: str, step_id: str) -> Any:
    subject_or_404(plan_id)
    plan_drafts.drop_step(plan_id, step_id)
    flash("That change is taken out of the draft.", "info")
    return redirect(url_for("admin_plans.show", plan_id=plan_id), 303)


def _sold_or_404(subject: Subject, price_id: str, *, per_unit: bool = False) -> Sold:
    """The plan's price of that id, which is for sale; `per_unit`: at one amount for each."""
    for sold in plan_steps.sold(subject):
        if sold.price and sold.price.stripe_id == price_id:
            return sold if sold.is_per_unit or not per_unit else abort(404)
    abort(404)


def _price_of(sold: Sold) -> Price:
    assert sold.price is not None
    return sold.price


def _drafted(subject: Subject, said: str) -> Any:
    flash(f"{said} Visitors see it once you publish {subject.name}.", "success")
    return redirect(url_for("admin_plans.show", plan_id=subject.product_id), 303)


def _price_form(formdata: Any = None) -> PriceForm:
    return price_form.form_for(price_form.sold_currencies(plan_drafts.plans()), formdata)


def _price_page(subject: Subject, form: PriceForm) -> str:
    return render_template("admin/plan_prices/new.html", subject=subject, form=form)


def _currency_page(subject: Subject, sold: Sold, form: CurrencyForm) -> str:
    missing = sorted(set(price_form.sold_currencies(plan_drafts.plans())) - set(sold.amounts))
    return render_template(
        "admin/plan_prices/new_currency.html",
        subject=subject,
        sold=sold,
        form=form,
        missing=missing,
    )

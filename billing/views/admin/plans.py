"""Plans as staff keep them: what is sold, to whom it is shown, at which prices."""

from __future__ import annotations

import re
import secrets
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for

from billing import (
    plan_availability,
    plan_drafts,
    plan_preview,
    plan_publication,
    plan_steps,
    plan_subscribers,
    plan_values,
    stripe_trouble,
)
from billing.authorization import staff_required
from billing.plan_drafts import Subject
from billing.plan_form import PlanForm
from billing.price_changes import amounts
from models import db

bp = Blueprint("admin_plans", __name__, url_prefix="/admin/plans")


def subject_or_404(plan_id: str) -> Subject:
    return plan_drafts.find(plan_id) or abort(404)


@bp.get("")
@staff_required("admin")
def index() -> Any:
    plans = plan_drafts.plans()
    drafts = {plan.stripe_id: plan_drafts.find(plan.stripe_id) for plan in plans}
    return render_template(
        "admin/plans/index.html",
        on_sale=[plan for plan in plans if plan.active],
        archived=[plan for plan in plans if not plan.active],
        subjects=drafts,
        unborn=plan_drafts.unborn(),
        sold=plan_steps.sold,
        subscribers=plan_subscribers.by_plan(plan.stripe_id for plan in plans),
    )


@bp.get("/new")
@staff_required("admin")
def new() -> Any:
    form = PlanForm(None, plan_values.BLANK)
    form.attempt.data = secrets.token_hex(8)
    return _new(form)


@bp.post("")
@staff_required("admin")
def create() -> Any:
    """Keeps the new plan as a draft; nothing is at Stripe before it is published."""
    # A second click on the same form meets the draft that the first one made.
    attempt = request.form.get("attempt", "")
    if not re.fullmatch(r"[0-9a-f]{16}", attempt):
        attempt = secrets.token_hex(8)
    form = PlanForm(f"plan_{attempt}", plan_values.BLANK, request.form)
    form.attempt.data = attempt
    if not form.validate():
        return _new(form), 422
    draft = plan_drafts.begin(form.typed, attempt)
    flash(
        f"{draft.values['name']} is drafted. Add a price; then look at it and publish it.", "info"
    )
    return redirect(url_for(".show", plan_id=draft.product_id), 303)


@bp.get("/<plan_id>")
@staff_required("admin")
def show(plan_id: str) -> Any:
    subject = subject_or_404(plan_id)
    prices = subject.product.prices if subject.product else []
    return render_template(
        "admin/plans/show.html",
        subject=subject,
        plan=plan_preview.as_drafted(subject),
        differences=plan_values.differences(subject.published, subject.values, plan_drafts.plans()),
        sold=plan_steps.sold(subject),
        planned=[(step, plan_steps.said(step, prices)) for step in plan_steps.to_come(subject)],
        retired=[p for p in prices if not p.active and p.is_recurring],
        successor=amounts.successor,
        subscribers=plan_subscribers.by_price(p.stripe_id for p in prices),
        obstacle=plan_publication.obstacle(subject),
        names={p.stripe_id: p.name for p in plan_drafts.plans()},
        said=plan_values.said,
        editor=plan_drafts.last_editor(subject) if subject.draft else None,
    )


@bp.post("/<plan_id>/place")
@staff_required("admin")
def move(plan_id: str) -> Any:
    product = subject_or_404(plan_id).product or abort(404)
    direction, place = request.form.get("direction"), request.form.get("place", "")
    if direction not in {"up", "down"} or not re.fullmatch(r"[0-9]{1,4}", place):
        abort(400)
    name = product.name
    try:
        if not plan_availability.move(product, direction, int(place)):
            flash("The order had changed already. This is how it is now.", "info")
        else:
            flash(f"{name} is moved {direction}.", "success")
    except stripe_trouble.TROUBLE as error:
        db.session.rollback()
        flash(stripe_trouble.said(error), "danger")
    return redirect(url_for(".index"), 303)


def _new(form: PlanForm) -> str:
    marked = next((p.name for p in plan_drafts.plans() if p.highlighted), None)
    return render_template("admin/plans/new.html", form=form, marked=marked)

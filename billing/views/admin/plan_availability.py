"""Taking a plan off the plans page, ending its sale, putting it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for

from billing import plan_availability, plan_subscribers, stripe_trouble
from billing.authorization import staff_required
from billing.views.admin.plans import subject_or_404
from models import Product, db

bp = Blueprint("admin_plan_availability", __name__, url_prefix="/admin/plans/<plan_id>")


@bp.get("/hiding")
@staff_required("admin")
def confirm_hiding(plan_id: str) -> Any:
    return _confirm(plan_id, "hide")


@bp.post("/hiding")
@staff_required("admin")
def hide(plan_id: str) -> Any:
    return _do(
        plan_id,
        plan_availability.hide,
        "{} is hidden. Whoever has it keeps it.",
        "{} is hidden already.",
    )


@bp.get("/archiving")
@staff_required("admin")
def confirm_archiving(plan_id: str) -> Any:
    return _confirm(plan_id, "archive")


@bp.post("/archiving")
@staff_required("admin")
def archive(plan_id: str) -> Any:
    return _do(
        plan_id,
        plan_availability.archive,
        "{} is archived. Whoever has it keeps it.",
        "{} is archived already.",
    )


@bp.post("/restoration")
@staff_required("admin")
def restore(plan_id: str) -> Any:
    return _do(
        plan_id,
        plan_availability.restore,
        "{} is back, hidden. Look at it and publish it when it is right.",
        "{} is not archived.",
    )


def _confirm(plan_id: str, step: str) -> Any:
    product = subject_or_404(plan_id).product or abort(404)
    subscribers = plan_subscribers.by_plan([plan_id]).get(plan_id, 0)
    return render_template(
        "admin/plan_availability/confirm.html", plan=product, step=step, subscribers=subscribers
    )


def _do(plan_id: str, act: Callable[[Product], bool], done: str, nothing: str) -> Any:
    product = subject_or_404(plan_id).product or abort(404)
    name = product.name
    try:
        changed = act(product)
        flash((done if changed else nothing).format(name), "success" if changed else "info")
    except stripe_trouble.TROUBLE as error:
        db.session.rollback()
        flash(stripe_trouble.said(error), "danger")
    return redirect(url_for("admin_plans.show", plan_id=plan_id), 303)

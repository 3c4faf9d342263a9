"""A plan's draft: edited, looked at as a visitor will see it, published or dropped."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import AnonymousUserMixin

from billing import (
    plan_drafts,
    plan_preview,
    plan_publication,
    plan_steps,
    plan_values,
    plans,
    stripe_trouble,
)
from billing.authorization import staff_required
from billing.navigation import Navigation
from billing.plan_drafts import EditedMeanwhile, Subject
from billing.plan_form import PlanForm
from billing.plan_publication import NotAsSeen, NotReady
from billing.views.admin.plans import subject_or_404
from models import db

bp = Blueprint("admin_plan_drafts", __name__, url_prefix="/admin/plans/<plan_id>")


@bp.get("/draft")
@staff_required("admin")
def edit(plan_id: str) -> Any:
    subject = subject_or_404(plan_id)
    return _form_page(subject, PlanForm(plan_id, subject.values))


@bp.post("/draft")
@staff_required("admin")
def save(plan_id: str) -> Any:
    """Keeps what was typed as the draft; what somebody else changed meanwhile is told first."""
    subject = subject_or_404(plan_id)
    form = PlanForm(plan_id, subject.values, request.form)
    if not form.validate():
        return _form_page(subject, form), 422
    try:
        differs = plan_drafts.save(plan_id, form.typed, form.seen_values)
    except EditedMeanwhile as edited:
        form.show(edited.values, edited.current)
        return _form_page(subject_or_404(plan_id), form, edited=edited), edited.status
    if differs:
        flash("The draft is saved. Visitors see nothing of it before you publish it.", "success")
        return redirect(url_for(".preview", plan_id=plan_id), 303)
    flash("Nothing is different from what is published, so there is no draft.", "info")
    return redirect(url_for("admin_plans.show", plan_id=plan_id), 303)


@bp.get("/draft/removal")
@staff_required("admin")
def confirm_removal(plan_id: str) -> Any:
    subject = subject_or_404(plan_id)
    if subject.draft is None:
        return redirect(url_for("admin_plans.show", plan_id=plan_id))
    return render_template(
        "admin/plan_drafts/removal.html",
        subject=subject,
        differences=_differences(subject),
        planned=_coming(subject),
    )


@bp.post("/draft/removal")
@staff_required("admin")
def remove(plan_id: str) -> Any:
    subject = subject_or_404(plan_id)
    name, stays = subject.name, subject.product is not None
    plan_drafts.discard(plan_id)
    flash(f"The draft of {name} is dropped. Nothing was changed at Stripe.", "info")
    if stays:
        return redirect(url_for("admin_plans.show", plan_id=plan_id), 303)
    return redirect(url_for("admin_plans.index"), 303)


@bp.get("/preview")
@staff_required("admin")
def preview(plan_id: str) -> Any:
    """The plans page as a visitor gets it, by the page's own code, with the draft in it."""
    subject = subject_or_404(plan_id)
    page = plans.page(
        None,
        interval=request.args.get("interval"),
        currency=request.args.get("currency"),
        offered=plan_preview.offered_with(subject),
    )
    return render_template(
        "admin/plan_drafts/preview.html",
        subject=subject,
        differences=_differences(subject),
        planned=_coming(subject),
        obstacle=plan_publication.obstacle(subject),
        version=subject.draft.version if subject.draft else 0,
        page=page,
        address=partial(url_for, ".preview", plan_id=plan_id),
        # Nobody signs up from here: the buttons lead back to the preview.
        sign_up=lambda next: next,
        # Whoever looks is staff; whoever it is shown to has not signed in.
        current_user=AnonymousUserMixin(),
        current_account=None,
        navigation=Navigation,
        may_buy=False,
        coming=None,
        code=None,
        again={},
        refused=None,
    )


@bp.post("/publication")
@staff_required("admin")
def publish(plan_id: str) -> Any:
    subject = subject_or_404(plan_id)
    visible = request.form.get("visible") != "0"
    version = request.form.get("version", type=int)
    product = subject.product
    if subject.draft is None and product and product.active and product.public is visible:
        flash("It is published as it is drafted. There is nothing left to publish.", "info")
        return redirect(url_for("admin_plans.show", plan_id=plan_id), 303)
    try:
        plan = plan_publication.publish(plan_id, version=version or 0, visible=visible)
    except NotAsSeen as seen:
        flash(f"{seen.title}. {seen.message}", "warning")
        return redirect(url_for(".preview", plan_id=plan_id), 303)
    except NotReady as refused:
        flash(refused.message, "warning")
        return redirect(url_for("admin_plans.show", plan_id=plan_id), 303)
    except stripe_trouble.TROUBLE as error:
        db.session.rollback()
        flash(f"Publishing stopped. {stripe_trouble.said(error)}", "danger")
        return redirect(url_for("admin_plans.show", plan_id=plan_id), 303)
    said = "Visitors see it now." if visible else "Visitors do not see it."
    flash(
        f"{plan.name} is published. {said}" if visible else f"{plan.name} is saved. {said}",
        "success",
    )
    return redirect(url_for("admin_plans.show", plan_id=plan_id), 303)


def _differences(subject: Subject) -> list[plan_values.Difference]:
    return plan_values.differences(subject.published, subject.values, plan_drafts.plans())


def _coming(subject: Subject) -> list[Any]:
    prices = subject.product.prices if subject.product else []
    return [(step, plan_steps.said(step, prices)) for step in plan_steps.to_come(subject)]


def _form_page(subject: Subject, form: PlanForm, edited: EditedMeanwhile | None = None) -> str:
    marked = next(
        (
            p.name
            for p in plan_drafts.plans()
            if p.highlighted and p.stripe_id != subject.product_id
        ),
        None,
    )
    return render_template(
        "admin/plan_drafts/edit.html", subject=subject, form=form, edited=edited, marked=marked
    )

"""A price change under way: how far it is, pausing, stopping, trying again, undoing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from billing import paging
from billing.authorization import staff_required
from billing.clock import now
from billing.errors import BillingError
from billing.price_changes import control, csv_files, launch, moving
from models import PriceChange, PriceMove, db

bp = Blueprint("admin_price_moves", __name__, url_prefix="/admin/price-changes/<int:change_number>")
STATUSES = ("pending", "scheduled", "done", "skipped", "failed", "undoing", "undone")


def page(change: PriceChange) -> Any:
    """How far the change is, and what became of each subscriber, those of `?status=` alone."""
    status = request.args.get("status")
    found = select(PriceMove).options(joinedload(PriceMove.account)).order_by(PriceMove.id)
    found = found.where(PriceMove.change_id == change.id)
    if status in STATUSES:
        found = found.where(PriceMove.status == status)
    return render_template(
        "admin/price_moves/show.html",
        change=change,
        page=paging.page(found),
        status=status if status in STATUSES else None,
        progress=moving.progress(change.id),
        undoable=control.count_undoable(change),
    )


@bp.get("/moves.csv")
@staff_required("admin")
def export(change_number: int) -> Any:
    """What became of everybody, as one file."""
    change = _change_or_404(change_number)
    name = f"price-change-{change.id}-moves-{now():%Y-%m-%d}.csv"
    return Response(
        stream_with_context(csv_files.moved(_every(change.id))),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@bp.post("/launch")
@staff_required("admin")
def launch_again(change_number: int) -> Any:
    """Goes on with putting the new price in its place, for who does not want to wait."""
    change = _change_or_404(change_number)
    try:
        launch.hurry(change.id)
    except BillingError as error:
        flash(f"It is not in its place yet: {error.title.lower()}. We go on trying.", "warning")
    return _back(change)


@bp.post("/pause")
@staff_required("admin")
def pause(change_number: int) -> Any:
    change = _change_or_404(change_number)
    if control.pause(change):
        flash("Paused. Nobody more is scheduled until you go on; who is scheduled stays.", "info")
    return _back(change)


@bp.post("/resumption")
@staff_required("admin")
def resume(change_number: int) -> Any:
    change = _change_or_404(change_number)
    if control.go_on(change):
        flash("It goes on. The rest is scheduled in the background.", "success")
    return _back(change)


@bp.get("/stop")
@staff_required("admin")
def stop_page(change_number: int) -> Any:
    change = _change_or_404(change_number)
    return render_template(
        "admin/price_moves/stop.html", change=change, progress=moving.progress(change.id)
    )


@bp.post("/stop")
@staff_required("admin")
def stop(change_number: int) -> Any:
    change = _change_or_404(change_number)
    if control.stop(change):
        flash("Stopped. Who is scheduled already still moves, unless you undo it.", "success")
    return _back(change)


@bp.post("/retry")
@staff_required("admin")
def retry(change_number: int) -> Any:
    change = _change_or_404(change_number)
    again = control.retry_failed(change)
    if again:
        flash(f"{again} are tried again in the background.", "success")
    return _back(change)


@bp.get("/undo")
@staff_required("admin")
def undo_page(change_number: int) -> Any:
    change = _change_or_404(change_number)
    return render_template(
        "admin/price_moves/undo.html", change=change, undoable=control.count_undoable(change)
    )


@bp.post("/undo")
@staff_required("admin")
def undo_all(change_number: int) -> Any:
    change = _change_or_404(change_number)
    asked = control.undo_all(change)
    if asked:
        flash(f"{asked} are taken back in the background. Those who renewed stay.", "success")
    else:
        flash("There was nobody left to undo it for. Nothing was changed.", "info")
    return _back(change)


@bp.post("/moves/<int:move_number>/undo")
@staff_required("admin")
def undo(change_number: int, move_number: int) -> Any:
    change = _change_or_404(change_number)
    move = db.session.get(PriceMove, move_number)
    if move is None or move.change_id != change.id:
        abort(404)
    name = move.account.name if move.account else move.subscription_id
    try:
        asked = control.undo(move)
    except BillingError:
        flash(f"Stripe did not answer. {name} is taken back as soon as it does.", "warning")
        return _back(change)
    db.session.refresh(move)
    if move.status == "undone":
        flash(f"{name} stays on the old price.", "success")
    elif asked and move.status == "undoing":
        flash(f"{name} is being scheduled right now, and is taken back in a moment.", "info")
    else:
        flash(f"It is too late for {name}: nothing was changed.", "info")
    return _back(change)


def _every(change_id: int) -> Iterator[PriceMove]:
    yield from db.session.scalars(
        select(PriceMove)
        .where(PriceMove.change_id == change_id)
        .options(joinedload(PriceMove.account))
        .order_by(PriceMove.id)
        .execution_options(yield_per=500)
    )


def _change_or_404(number: int) -> PriceChange:
    change = db.session.get(PriceChange, number)
    if change is None or change.is_draft:
        abort(404)
    return change


def _back(change: PriceChange) -> Any:
    return redirect(url_for("admin_price_changes.show", change_number=change.id), 303)

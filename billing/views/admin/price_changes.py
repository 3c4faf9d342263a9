"""Price changes before they happen: drafted, rehearsed, confirmed; and all there ever were."""

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
from flask_login import current_user
from sqlalchemy import select

from billing import paging
from billing.amount_field import reader_locale
from billing.authorization import staff_required
from billing.clock import now
from billing.errors import BillingError, GoneFromStripe, InvalidRequest, Refused
from billing.money import plain
from billing.price_changes import (
    amounts,
    csv_files,
    draft,
    launch,
    moving,
    rehearsal,
    subscribers,
    wording,
)
from billing.price_changes.choice import is_short_notice
from billing.price_changes.draft import AlreadyRunning
from billing.price_changes.forms import AmountsForm, ChoiceForm, ConfirmationForm, amounts_form
from billing.price_changes.launch import Outdated
from billing.views.admin import price_moves
from models import Price, PriceChange, db

bp = Blueprint("admin_price_changes", __name__, url_prefix="/admin/price-changes")
bp.add_app_template_filter(wording.reason, "move_reason")


@bp.get("")
@staff_required("admin")
def index() -> Any:
    """All changes, the newest first, drafts among them."""
    page = paging.page(
        select(PriceChange).order_by(PriceChange.created_at.desc(), PriceChange.id.desc())
    )
    progress = {change.id: moving.progress(change.id) for change in page.rows}
    return render_template("admin/price_changes/index.html", page=page, progress=progress)


@bp.get("/new/<price_id>")
@staff_required("admin")
def new(price_id: str) -> Any:
    """The new amounts for a price, in every currency it has."""
    price = _price_or_404(price_id)
    running = draft.running_for(price.stripe_id)
    if running is not None:
        flash("This price is being changed already. Here is how that stands.", "info")
        return redirect(url_for(".show", change_number=running.id))
    problem = amounts.obstacle(price)
    if problem is not None:
        return render_template(
            "admin/price_changes/not_possible.html", price=price, problem=problem
        ), 409
    old = amounts.amounts_of(price)
    locale = reader_locale()
    typed = {f"amount_{code}": plain(amount, code, locale=locale) for code, amount in old.items()}
    return _amounts_page(price, amounts_form(price, old, data=typed))


@bp.post("/new/<price_id>")
@staff_required("admin")
def create(price_id: str) -> Any:
    price = _price_or_404(price_id)
    if amounts.obstacle(price) is not None:
        return new(price_id)
    wanted: dict[str, int] = {}
    if amounts.successor(price) is None:
        form = amounts_form(price, amounts.amounts_of(price), request.form)
        if not form.validate():
            return _amounts_page(price, form, 422)
        wanted = form.amounts
    change = draft.begin(price, wanted, user_id=current_user.id)
    return redirect(url_for(".show", change_number=change.id), 303)


@bp.get("/<int:change_number>")
@staff_required("admin")
def show(change_number: int) -> Any:
    """A draft's rehearsal; of a confirmed change, how far it is."""
    change = _change_or_404(change_number)
    if not change.is_draft:
        return price_moves.page(change)
    return _rehearsal_page(change, ChoiceForm.of(change))


@bp.post("/<int:change_number>")
@staff_required("admin")
def choose(change_number: int) -> Any:
    """Keeps who moves and when, and shows it anew, or goes on to the confirmation."""
    change = _draft_or_404(change_number)
    form = ChoiceForm(change, request.form)
    if not form.validate():
        return _rehearsal_page(change, form, 422)
    draft.choose(
        change,
        rule=form.rule.data,
        starts_at=form.starts_at,
        notice_days=form.notice_days.number or 0,
        who=form.who,
    )
    go_on = request.form.get("then") == "confirm"
    return redirect(url_for(".confirmation" if go_on else ".show", change_number=change.id), 303)


@bp.get("/<int:change_number>/subscribers.csv")
@staff_required("admin")
def export(change_number: int) -> Any:
    """Each subscriber before and after, as one file."""
    change = _change_or_404(change_number)
    name = f"price-change-{change.id}-{now():%Y-%m-%d}.csv"
    return Response(
        stream_with_context(csv_files.rehearsed(_every(change.id))),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@bp.get("/<int:change_number>/confirmation")
@staff_required("admin")
def confirmation(change_number: int) -> Any:
    change = _change_or_404(change_number)
    if not change.is_draft:
        return redirect(url_for(".show", change_number=change.id))
    return _confirmation_page(change, ConfirmationForm(formdata=None))


@bp.post("/<int:change_number>/confirmation")
@staff_required("admin")
def confirm(change_number: int) -> Any:
    """Makes it so, once: the new price at Stripe, and everybody's move set down to be made."""
    change = _change_or_404(change_number)
    there = url_for(".show", change_number=change.id)
    if not change.is_draft:
        return redirect(there, 303)
    form = ConfirmationForm(request.form)
    if is_short_notice(change) and not form.validate():
        return _confirmation_page(change, form, 422)
    try:
        did = launch.confirm(change, seen=request.form.get("seen", ""), user_id=current_user.id)
    except (Outdated, AlreadyRunning) as refused:
        flash(f"{refused.title}. {refused.message}", "warning")
        return redirect(url_for(".confirmation", change_number=change.id), 303)
    if did:
        _launch(change)
    return redirect(there, 303)


@bp.post("/<int:change_number>/discard")
@staff_required("admin")
def discard(change_number: int) -> Any:
    change = _draft_or_404(change_number)
    draft.discard(change)
    flash("The draft is thrown away. No price was changed.", "success")
    return redirect(url_for(".index"), 303)


def _every(change_id: int) -> Iterator[rehearsal.Row]:
    """Read while the file is being sent, in a session of its own."""
    change = db.session.get_one(PriceChange, change_id)
    yield from rehearsal.rows(change, subscribers.every(change), now())


def _launch(change: PriceChange) -> None:
    """Puts the new price in its place now; what Stripe says otherwise is told, and tried again."""
    change_id = change.id
    try:
        launch.launch(change_id)
    except (InvalidRequest, GoneFromStripe, Refused) as refused:
        flash(f"Stripe did not accept it: {refused.message}", "danger")
    except BillingError:
        flash(
            "Stripe did not answer, so the new price may not be in its place yet. "
            "We go on by ourselves until it is; nothing is done twice.",
            "warning",
        )
    else:
        flash("The new price is in its place. New sign-ups pay it from now on.", "success")


def _price_or_404(price_id: str) -> Price:
    return db.session.get(Price, price_id) or abort(404)


def _change_or_404(number: int) -> PriceChange:
    return db.session.get(PriceChange, number) or abort(404)


def _draft_or_404(number: int) -> PriceChange:
    change = _change_or_404(number)
    if not change.is_draft:
        raise Refused("This change was confirmed already, so it cannot be edited.")
    return change


def _amounts_page(price: Price, form: AmountsForm, status: int = 200) -> Any:
    page = render_template(
        "admin/price_changes/new.html",
        price=price,
        form=form,
        successor=amounts.successor(price),
        old=amounts.amounts_of(price),
    )
    return page, status


def _rehearsal_page(change: PriceChange, form: ChoiceForm, status: int = 200) -> Any:
    moment = now()
    if change.price is None:
        abort(404)
    page = paging.page(subscribers.statement(change.price_id))
    rendered = render_template(
        "admin/price_changes/show.html",
        change=change,
        form=form,
        page=page,
        rows=list(rehearsal.rows(change, page.rows, moment)),
        whole=rehearsal.of(change, moment),
        ages=rehearsal.age_labels(),
        short=is_short_notice(change),
    )
    return rendered, status


def _confirmation_page(change: PriceChange, form: ConfirmationForm, status: int = 200) -> Any:
    page = render_template(
        "admin/price_changes/confirmation.html",
        change=change,
        form=form,
        whole=rehearsal.of(change, now()),
        short=is_short_notice(change),
        running=draft.running_for(change.price_id),
    )
    return page, status

"""What is to be told, and what was: the outbox, entry by entry."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from wtforms import IntegerField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length
from wtforms.widgets import HiddenInput

from billing import mails, outbox, outbox_search
from billing.audit import record
from billing.authorization import staff_required
from billing.extensions import talisman
from billing.mail_frame import FRAMED, MAIL
from billing.notices.rendering import Letter
from billing.notices.sending import letter_of
from billing.outbox_search import Filters
from billing.paging import page
from models import OutboxEntry, db

bp = Blueprint("admin_outbox", __name__, url_prefix="/admin/outbox")

WORDS = {"sent": "Sent", "skipped": "Not needed", "claimed": "Being sent"}
STATUS_CHOICES = [
    SelectChoice("", "All"),
    *(SelectChoice(each, WORDS.get(each, each.capitalize())) for each in outbox_search.STATUSES),
]


class FilterForm(FlaskForm):
    """The search, by GET: it changes nothing, so it carries no token and can be bookmarked."""

    class Meta:
        csrf = False

    account = StringField("Account", [Length(max=255)])
    kind = SelectField("Kind", default="")
    status = SelectField("Status", choices=STATUS_CHOICES, default="")

    @property
    def filters(self) -> Filters:
        account = (self.account.data or "").strip()
        return Filters(self.kind.data or "", self.status.data or "", account)


class RepeatForm(FlaskForm):
    """How often it was repeated when the page was made, so that two presses repeat it once."""

    repeats = IntegerField(validators=[InputRequired()], widget=HiddenInput())


@bp.get("")
@staff_required("admin")
def index() -> Any:
    form = FilterForm(request.args)
    kinds = sorted(outbox.EFFECTS)
    form.kind.choices = [
        SelectChoice("", "All"),
        *(SelectChoice(kind, kind.replace("_", " ").capitalize()) for kind in kinds),
    ]
    is_good = form.validate()
    found = page(outbox_search.newest_first(form.filters)) if is_good else None
    return render_template(
        "admin/outbox/index.html", form=form, page=found, failed=outbox.any_failed()
    ), (200 if is_good else 422)


@bp.get("/<int:entry_number>")
@staff_required("admin")
@talisman(content_security_policy=FRAMED)
def show(entry_number: int) -> Any:
    entry = db.get_or_404(OutboxEntry, entry_number)
    letter, addresses, why_not = _letter(entry)
    return render_template(
        "admin/outbox/show.html",
        entry=entry,
        letter=letter,
        addresses=addresses,
        why_not=why_not,
        attempts_at_most=outbox.ATTEMPTS,
    )


@bp.get("/<int:entry_number>/mail")
@staff_required("admin")
@talisman(content_security_policy=MAIL, frame_options="SAMEORIGIN")
def mail(entry_number: int) -> Any:
    """The mail's HTML part alone, for the frame on its page."""
    letter, _, _ = _letter(db.get_or_404(OutboxEntry, entry_number))
    return mails.inlined(letter.html) if letter else abort(404)


@bp.post("/<int:entry_number>/retry")
@staff_required("admin")
def retry(entry_number: int) -> Any:
    """Makes what was given up due again."""
    entry = db.get_or_404(OutboxEntry, entry_number)
    key, attempts, account_id = entry.key, entry.attempts, entry.account_id
    if outbox.retry_failed(entry_number):
        record("outbox.retried", key, before={"attempts": attempts}, account_id=account_id)
        flash("It is due again and goes out with the next run of the background task.", "success")
    else:
        flash("It is not marked as failed any more. Nothing was changed.", "info")
    db.session.commit()
    return redirect(url_for(".show", entry_number=entry_number), 303)


@bp.post("/retry")
@staff_required("admin")
def retry_all() -> Any:
    count = outbox.retry_failed()
    if count:
        record("outbox.all_failed_retried", after={"entries": count})
    db.session.commit()
    flash(
        f"{count} failed {'entry is' if count == 1 else 'entries are'} due again."
        if count
        else "No entry is marked as failed.",
        "success" if count else "info",
    )
    return redirect(url_for(".index"), 303)


@bp.get("/<int:entry_number>/repetition")
@staff_required("admin")
def confirm_repetition(entry_number: int) -> Any:
    """Asks before what was sent is sent once more, naming to whom."""
    entry = db.get_or_404(OutboxEntry, entry_number)
    letter, addresses, why_not = _letter(entry)
    form = RepeatForm(formdata=None, repeats=entry.repeats)
    return render_template(
        "admin/outbox/repetition.html",
        entry=entry,
        form=form,
        letter=letter,
        addresses=addresses,
        why_not=why_not,
    )


@bp.post("/<int:entry_number>/repetition")
@staff_required("admin")
def repeat(entry_number: int) -> Any:
    entry = db.get_or_404(OutboxEntry, entry_number)
    key, delivered_to, account_id = entry.key, entry.delivered_to, entry.account_id
    form = RepeatForm()
    if form.validate() and outbox.repeat(entry_number, form.repeats.data or 0):
        record("outbox.repeated", key, before={"sent_to": delivered_to}, account_id=account_id)
        flash("It is sent once more with the next run of the background task.", "success")
    else:
        flash("It was not sent, or is being repeated already. Nothing was changed.", "info")
    db.session.commit()
    return redirect(url_for(".show", entry_number=entry_number), 303)


def _letter(entry: OutboxEntry) -> tuple[Letter | None, list[str], str]:
    """The mail as it would go out now, to whom, or why there is none."""
    try:
        letter, addresses = letter_of(entry)
    except outbox.NotNeeded as why:
        return None, [], f"It would not be sent now: {why}."
    except LookupError:
        return None, [], "There is no mail to show for it."
    return letter, addresses, ""

"""The inbox of webhooks: what came, what became of it, once more."""

from __future__ import annotations

import json
import logging
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from wtforms import DateField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, Optional, ValidationError

from billing import inbox_search, webhook_inbox
from billing.audit import record
from billing.authorization import staff_required
from billing.errors import Refused
from billing.inbox_search import Filters
from billing.paging import page
from models import WebhookEvent, db

log = logging.getLogger(__name__)
bp = Blueprint("admin_webhooks", __name__, url_prefix="/admin/webhooks")

BAD_DAY = "Give a day as 2026-11-30."
STATUS_CHOICES = [
    SelectChoice("", "All"),
    *(SelectChoice(status, status.capitalize()) for status in inbox_search.STATUSES),
]


class FilterForm(FlaskForm):
    """The search, by GET: it changes nothing, so it carries no token and can be bookmarked."""

    class Meta:
        csrf = False

    status = SelectField("Status", choices=STATUS_CHOICES, default="")
    type = StringField("Type", [Length(max=100)])
    named = StringField("Stripe id", [Length(max=255)])
    error = StringField("In the error", [Length(max=100)])
    since = DateField("From", [Optional()])
    until = DateField("To", [Optional()])

    def validate_until(self, field: DateField) -> None:
        if self.since.data and field.data and field.data < self.since.data:
            raise ValidationError("This day is before the first.")

    @property
    def filters(self) -> Filters:
        return Filters(
            self.status.data or "",
            (self.type.data or "").strip(),
            (self.named.data or "").strip(),
            (self.error.data or "").strip(),
            self.since.data,
            self.until.data,
        )


@bp.get("")
@staff_required("admin")
def index() -> Any:
    form = FilterForm(request.args)
    is_good = form.validate()
    for field in (form.since, form.until):
        if field.process_errors:
            field.errors = [BAD_DAY]
    found = page(inbox_search.newest_first(form.filters)) if is_good else None
    return render_template(
        "admin/webhooks/index.html",
        form=form,
        page=found,
        types=webhook_inbox.HANDLED_TYPES,
        failed=webhook_inbox.any_failed(),
    ), (200 if is_good else 422)


@bp.get("/<int:event_number>")
@staff_required("admin")
def show(event_number: int) -> Any:
    event = db.get_or_404(WebhookEvent, event_number)
    return render_template(
        "admin/webhooks/show.html",
        event=event,
        led_to=inbox_search.led_to(event),
        payload=json.dumps(event.payload, indent=2, ensure_ascii=False),
        can_be_processed=webhook_inbox.can_be_processed(event),
    )


@bp.post("/<int:event_number>/processing")
@staff_required("admin")
def process(event_number: int) -> Any:
    """Processes it here and now; when that fails, it waits for the sweep as a new one does."""
    event = db.get_or_404(WebhookEvent, event_number)
    stripe_id, before = event.stripe_id, {"status": event.status, "attempts": event.attempts}
    if webhook_inbox.can_be_processed(event):
        record("webhook.processed_again", stripe_id, before=before)
    try:
        webhook_inbox.process_again(event)
    except Refused as error:
        flash(error.message, "warning")
    except Exception as error:
        # Whatever is wrong with it is kept with the event and shown there.
        db.session.rollback()
        log.warning("webhook %s could not be processed again: %r", event_number, error)
        flash("It could not be processed. What went wrong stands below.", "warning")
    else:
        flash("It is processed: what it is about was fetched from Stripe.", "success")
    return redirect(url_for(".show", event_number=event_number), 303)


@bp.post("/processing")
@staff_required("admin")
def process_failed() -> Any:
    """Makes what was given up due again; the background does it, one after the other."""
    count = webhook_inbox.retry_failed()
    if count:
        record("webhook.all_failed_processed_again", after={"events": count})
    db.session.commit()
    flash(
        f"{count} failed {'event is' if count == 1 else 'events are'} due again. The background "
        "task does them one after the other, within minutes."
        if count
        else "No event is marked as failed.",
        "success" if count else "info",
    )
    return redirect(url_for(".index"), 303)

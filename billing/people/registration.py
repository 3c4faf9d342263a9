"""Registering opens an account: the person becomes its owner."""

from __future__ import annotations

from typing import Any

from flask import Flask, g, request, session
from flask_security import user_not_registered, user_registered
from flask_security.utils import validate_redirect_url
from werkzeug.wrappers import Response

from billing import accounts
from billing.people.pages import note_mail
from models import User


def init_app(app: Flask) -> None:
    user_registered.connect(open_account, app)
    user_not_registered.connect(note_registration, app)
    app.after_request(tell_about_failure)


def open_account(app: Flask, user: User, form_data: dict[str, Any], **_: Any) -> None:
    """Runs inside the registration's transaction, before its mail is sent."""
    accounts.open_for(user, form_data["account_name"] or user.name)
    note_registration(app, form_data)


def note_registration(app: Flask, form_data: dict[str, Any], **_: Any) -> None:
    """A known address is answered like a new one; only its mail differs."""
    note_mail("confirm", form_data["email"])
    wanted = request.form.get("after")
    if wanted and validate_redirect_url(wanted):
        session["after_confirm"] = wanted


def tell_about_failure(response: Response) -> Response:
    """The mail is sent after the note about it was made, so a failure is added here."""
    if g.get("mail_not_sent") and "mail_sent" in session:
        session["mail_sent"] = {**session["mail_sent"], "failed": True}
    return response

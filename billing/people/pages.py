"""How Flask-Security's pages are answered: in our layout, refused forms with 422, and a
redirect to one page that says where we sent a mail."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import (
    abort,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_security.forms import Form
from flask_security.utils import get_message

from billing.people.wording import LABELS

# Asking for one of these mails has no other result than the mail.
MAILS = {
    "security.forgot_password": "reset",
    "security.send_confirmation": "confirm",
    "security.change_email": "change",
}


def refuse_json() -> None:
    """Flask-Security takes JSON for a form as well, but our limits on an address read forms."""
    if request.is_json and request.blueprint == "security":
        abort(415)


def render(template: str, **context: Any) -> Any:
    """What Flask-Security answers with: a mail's text, or a response."""
    if template.startswith("security/email/"):
        return render_template(template, **context)
    forms = [value for value in context.values() if isinstance(value, Form)]
    refused = any(form.errors for form in forms)
    if request.method == "POST" and request.endpoint in MAILS and not refused:
        note_mail(MAILS[request.endpoint], request.form.get("email", ""))
        return redirect(url_for("mail_sent.show"))
    for form in forms:
        for field in form:
            if field.name in LABELS:
                field.label.text = LABELS[field.name]
    page = render_template(template, **context)
    return make_response(page, 422 if request.method == "POST" and refused else 200)


def note_mail(kind: str, to: str) -> None:
    """Remembers for the next page what was sent where, and whether sending failed."""
    session["mail_sent"] = {"kind": kind, "to": to, "failed": g.get("mail_not_sent", False)}


def ask_to_sign_in(mechanisms: Any = None, headers: Any = None) -> Any:
    """Leads to signing in and back to the page; where a form was sent, to the form's page."""
    flash(*get_message("UNAUTHENTICATED"))
    here = urlsplit(request.url if request.method == "GET" else request.referrer or "/")
    path = here.path if here.netloc == request.host else "/"
    query = f"?{here.query}" if here.query else ""
    return redirect(url_for("security.login", next=f"/{path.lstrip('/')}{query}"))

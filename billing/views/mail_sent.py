"""Where a mail went, for whoever just asked for one; and where its link leads back to."""

from __future__ import annotations

from flask import Blueprint, get_flashed_messages, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue

bp = Blueprint("mail_sent", __name__)


@bp.get("/mail-sent")
def show() -> ResponseReturnValue:
    """Says what was sent to which address, or that it could not be sent, and how to ask again."""
    sent = session.get("mail_sent")
    if sent is None:
        return redirect(url_for("security.login"))
    # The page says it all; Flask-Security's flash would say it twice.
    get_flashed_messages()
    return render_template("mail_sent/show.html", sent=sent)


@bp.get("/welcome")
def confirmed() -> ResponseReturnValue:
    """After the link in the mail: on to the page that registering began from."""
    session.pop("mail_sent", None)
    return redirect(session.pop("after_confirm", None) or "/")

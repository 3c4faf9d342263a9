"""The local mailbox: mails that the sandbox's portal wrote into a folder instead of sending.

It exists only with that folder, and answers only this machine: it needs no signing in, because
nobody could confirm an address otherwise.
"""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

from flask import Blueprint, Flask, abort, current_app, render_template, request
from flask.typing import ResponseReturnValue

from billing import mail_folder
from billing.extensions import talisman
from billing.mail_frame import FRAMED, MAIL

bp = Blueprint("dev_mail", __name__)


def enabled(app: Flask) -> bool:
    """Whether mails go to a folder, which the settings allow with the sandbox only."""
    return app.config["SETTINGS"].mail.folder is not None


@bp.before_request
def only_from_this_machine() -> None:
    if not ip_address(request.remote_addr or "0.0.0.0").is_loopback:  # noqa: S104
        abort(404)


@bp.get("/dev/mail")
def index() -> ResponseReturnValue:
    return render_template("dev_mail/index.html", mails=mail_folder.newest_first(_folder()))


@bp.get("/dev/mail/<mail_id>")
@talisman(content_security_policy=FRAMED)
def show(mail_id: str) -> ResponseReturnValue:
    mail = mail_folder.read(_folder(), mail_id) or abort(404)
    return render_template("dev_mail/show.html", mail=mail)


@bp.get("/dev/mail/<mail_id>/html")
@talisman(content_security_policy=MAIL, frame_options="SAMEORIGIN")
def html(mail_id: str) -> ResponseReturnValue:
    """The mail's HTML part alone, for the frame on its page."""
    mail = mail_folder.read(_folder(), mail_id)
    if mail is None or mail.html is None:
        abort(404)
    return mail.html


def _folder() -> Path:
    return current_app.config["SETTINGS"].mail.folder

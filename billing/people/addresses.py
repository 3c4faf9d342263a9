"""A changed e-mail address is told to the old one, whose owner may not have changed it."""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask
from flask_security import change_email_confirmed

from billing import mails
from billing.audit import record
from models import User

log = logging.getLogger(__name__)


def init_app(app: Flask) -> None:
    change_email_confirmed.connect(tell_old_address, app)


def tell_old_address(app: Flask, user: User, old_email: str, **_: Any) -> None:
    """Runs inside the change's transaction; a mail that fails does not undo the change."""
    record(
        "user.email_changed",
        f"user:{user.id}",
        before={"email": old_email},
        after={"email": user.email},
    )
    brand = app.config["SETTINGS"].brand.name
    try:
        mails.send(
            old_email,
            f"Your {brand} e-mail address was changed",
            "email_changed",
            user=user,
            old_email=old_email,
        )
    except mails.MailNotSent:
        log.warning("the old address of user %s was not told about the new one", user.id)

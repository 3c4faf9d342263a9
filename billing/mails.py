"""Mails to people, each with a text and an HTML part, and what happens when one cannot be sent."""

from __future__ import annotations

import logging
from email.utils import formataddr
from typing import Any

from flask import current_app, g, render_template
from flask_mailman import EmailMultiAlternatives
from flask_security import MailUtil

log = logging.getLogger(__name__)


class MailNotSent(Exception):
    """The mail server refused or did not answer; the person can be told and ask again."""


def send(to: str, subject: str, template: str, **context: Any) -> None:
    """Sends `templates/mail/<template>.txt` and `.html`. Raises MailNotSent."""
    settings = current_app.config["SETTINGS"]
    message = EmailMultiAlternatives(
        subject,
        body=render_template(f"mail/{template}.txt", **context),
        from_email=formataddr((settings.brand.name, settings.mail.sender)),
        to=[to],
    )
    message.attach_alternative(render_template(f"mail/{template}.html", **context), "text/html")
    try:
        message.send()
    except OSError as error:
        # SMTPException is an OSError too.
        log.warning("the mail %r could not be sent: %s", template, error)
        raise MailNotSent from error


class SecurityMails(MailUtil):
    """Flask-Security's mails: a failure is told on the page instead of breaking it."""

    def send_mail(self, template: str, *args: Any, **kwargs: Any) -> None:
        try:
            super().send_mail(template, *args, **kwargs)
        except OSError as error:
            log.warning("the mail %r could not be sent: %s", template, error)
            g.mail_not_sent = True

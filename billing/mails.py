"""Mails to people, each with a text and an HTML part, and what happens when one cannot be sent."""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Mapping
from email.utils import format_datetime, formataddr
from typing import Any

import css_inline
from flask import current_app, g, render_template
from flask_mailman import EmailMultiAlternatives
from flask_security import MailUtil

from billing.clock import now

log = logging.getLogger(__name__)

# Mail programs read styles in the tags; what depends on the reader's scheme stays in the head.
_inliner = css_inline.CSSInliner(
    keep_style_tags=False, keep_at_rules=True, load_remote_stylesheets=False
)
# The mail server itself is in trouble, whichever mail it is asked to take.
AWAY = (
    ConnectionError,
    TimeoutError,
    smtplib.SMTPServerDisconnected,
    smtplib.SMTPConnectError,
    smtplib.SMTPHeloError,
    smtplib.SMTPAuthenticationError,
    smtplib.SMTPNotSupportedError,
)


class MailNotSent(Exception):
    """The mail server refused or did not answer; the person can be told and ask again."""


class MailServerAway(MailNotSent):
    """The mail server could not be reached or used at all, so no other mail goes out either."""


class AddressRefused(MailNotSent):
    """The mail server takes no mail for this address, now or later."""


def send(to: str, subject: str, template: str, **context: Any) -> None:
    """Sends `templates/mail/<template>.txt` and `.html`. Raises MailNotSent."""
    text = render_template(f"mail/{template}.txt", **context)
    deliver(to, subject, text, render_template(f"mail/{template}.html", **context))


def deliver(
    to: str, subject: str, text: str, html: str, headers: Mapping[str, str] | None = None
) -> None:
    """Sends one mail to one address, its styles moved into the tags. Raises MailNotSent."""
    settings = current_app.config["SETTINGS"]
    message = EmailMultiAlternatives(
        subject,
        body=text,
        from_email=formataddr((settings.brand.name, settings.mail.sender)),
        to=[to],
        headers={"Date": format_datetime(now()), **(headers or {})},
    )
    message.attach_alternative(inlined(html), "text/html")
    try:
        message.send()
    except OSError as error:
        # SMTPException is an OSError too.
        log.warning("the mail %r could not be sent: %s", subject, error)
        raise _told(error) from error


def inlined(html: str) -> str:
    """The page with its styles in its tags."""
    return _inliner.inline(html)


def _told(error: OSError) -> MailNotSent:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
        refused = all(500 <= code < 600 for code in codes)
        return AddressRefused(str(error)) if refused else MailNotSent(str(error))
    # Names that cannot be looked up and certificates that are wrong are plain OSErrors.
    if isinstance(error, AWAY) or not isinstance(error, smtplib.SMTPException):
        return MailServerAway(str(error))
    return MailNotSent(str(error))


class SecurityMails(MailUtil):
    """Flask-Security's mails: a failure is told on the page instead of breaking it."""

    def send_mail(
        self,
        template: str,
        subject: str,
        recipient: str,
        sender: str | tuple[str, str],
        body: str,
        html: str | None,
        **kwargs: Any,
    ) -> None:
        html = html and inlined(html)
        try:
            super().send_mail(template, subject, recipient, sender, body, html, **kwargs)
        except OSError as error:
            log.warning("the mail %r could not be sent: %s", template, error)
            g.mail_not_sent = True

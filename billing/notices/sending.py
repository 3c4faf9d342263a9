"""From an outbox entry to mails: to whom, in which words, once to each address."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from flask_babel import force_locale
from sqlalchemy import update

from billing import mails, outbox
from billing.notices.recipients import locale_of, recipients
from billing.notices.rendering import Letter, rendered
from config import BILLING_MAILS
from models import Account, OutboxEntry, db

# What the template of the same name speaks of. Raises outbox.NotNeeded when it is true no longer.
Notice = Callable[[OutboxEntry, Account], dict[str, Any]]


def notice(kind: str) -> Callable[[Notice], Notice]:
    """Registers what fills the mail of this kind, one of config.BILLING_MAILS."""
    if kind not in BILLING_MAILS:
        raise ValueError(f"{kind} is no mail that MAILS_OFF could name")

    def register(function: Notice) -> Notice:
        @outbox.effect(kind)
        def deliver(entry: OutboxEntry) -> None:
            if kind in current_app.config["SETTINGS"].mails_off:
                raise outbox.NotNeeded("switched off by MAILS_OFF")
            account = entry.account_id and db.session.get(Account, entry.account_id)
            if not account:
                raise outbox.NotNeeded("the account is gone")
            with force_locale(locale_of(account)):
                letter = rendered(kind, account, function(entry, account))
            _send(entry, letter, recipients(account))

        return function

    return register


def _send(entry: OutboxEntry, letter: Letter, addresses: list[str]) -> None:
    """One mail to each address that has it not yet; what went out is noted at once."""
    if not addresses:
        raise outbox.NotNeeded("nobody is there to write to")
    entry_id, key, delivered = entry.id, entry.key, list(entry.delivered_to)
    # No transaction is open while a mail server answers.
    db.session.commit()
    problem: mails.MailNotSent | None = None
    refused = 0
    for address in addresses:
        if address in delivered:
            continue
        try:
            mails.deliver(address, letter.subject, letter.text, letter.html, _headers(key, address))
        except mails.MailServerAway as error:
            raise outbox.Unreachable(str(error)) from error
        except mails.AddressRefused as error:
            problem, refused = error, refused + 1
            continue
        except mails.MailNotSent as error:
            problem = error
            continue
        delivered.append(address)
        db.session.execute(
            update(OutboxEntry)
            .where(OutboxEntry.id == entry_id)
            .values(delivered_to=delivered)
            .execution_options(synchronize_session=False)
        )
        db.session.commit()
    # An address that takes no mail is no reason to ask again, when others have it.
    if problem is not None and (refused + len(delivered) < len(addresses) or not delivered):
        raise problem


def _headers(key: str, address: str) -> dict[str, str]:
    """The same for every attempt, so that a mail sent twice is known to be one."""
    settings = current_app.config["SETTINGS"]
    name = sha256(f"{key}|{address}".encode()).hexdigest()[:32]
    return {
        "Message-ID": f"<{name}@{urlsplit(settings.site_url).hostname}>",
        "Reply-To": settings.brand.support_email,
        # RFC 3834: no holiday notice answers it.
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
    }

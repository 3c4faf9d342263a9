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
NOTICES: dict[str, Notice] = {}


def notice(kind: str) -> Callable[[Notice], Notice]:
    """Registers what fills the mail of this kind, one of config.BILLING_MAILS."""
    if kind not in BILLING_MAILS:
        raise ValueError(f"{kind} is no mail that MAILS_OFF could name")

    def register(function: Notice) -> Notice:
        NOTICES[kind] = function

        @outbox.effect(kind)
        def deliver(entry: OutboxEntry) -> None:
            if kind in current_app.config["SETTINGS"].mails_off:
                raise outbox.NotNeeded("switched off by MAILS_OFF")
            _send(entry, *letter_of(entry))

        return function

    return register


def letter_of(entry: OutboxEntry) -> tuple[Letter, list[str]]:
    """The mail of an entry as it would go out now, and the addresses it would go to.

    Raises outbox.NotNeeded when what it would tell is true no longer; LookupError when the entry
    is no mail.
    """
    tell = NOTICES[entry.kind]
    account = entry.account_id and db.session.get(Account, entry.account_id)
    if not account:
        raise outbox.NotNeeded("the account is gone")
    with force_locale(locale_of(account)):
        letter = rendered(entry.kind, account, tell(entry, account))
    return letter, recipients(account)


def _send(entry: OutboxEntry, letter: Letter, addresses: list[str]) -> None:
    """One mail to each address that has it not yet; what went out is noted at once."""
    if not addresses:
        raise outbox.NotNeeded("nobody is there to write to")
    entry_id, delivered = entry.id, list(entry.delivered_to)
    key = f"{entry.key}#{entry.repeats}" if entry.repeats else entry.key
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
    """The same for every attempt, so that a mail sent twice is known to be one.

    `key` differs for a repetition that somebody asked for, which is a mail of its own.
    """
    settings = current_app.config["SETTINGS"]
    name = sha256(f"{key}|{address}".encode()).hexdigest()[:32]
    return {
        "Message-ID": f"<{name}@{urlsplit(settings.site_url).hostname}>",
        "Reply-To": settings.brand.support_email,
        # RFC 3834: no holiday notice answers it.
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
    }

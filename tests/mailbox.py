"""The mails of a test: what was sent, and the address that a mail's link leads to."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from flask import Flask


class Mailbox(list[Any]):
    """Every mail sent so far, the oldest first."""

    def to(self, address: str) -> list[Any]:
        return [mail for mail in self if mail.to == [address]]

    def link(self, address: str) -> str:
        """The path that the latest mail to this address leads to first."""
        text = self.to(address)[-1].body
        found = re.search(r"https?://\S+", text)
        assert found, text
        return urlsplit(found[0]).path


def open_mailbox(app: Flask) -> Mailbox:
    """A mailbox that Flask-Mailman's memory backend fills from now on."""
    mailbox = Mailbox()
    app.extensions["mailman"].outbox = mailbox
    return mailbox

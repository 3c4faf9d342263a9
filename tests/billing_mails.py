"""Arranging what a mail is about, having it sent, and reading it: shared by the tests of mails."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask

from tests.mailbox import Mailbox, open_mailbox
from tests.quote_page import pass_time, pull

OWNER = "ada@northwind.example"
BILLING = "billing@northwind.example"


def words(mail: Any) -> str:
    """The text part on one line."""
    return re.sub(r"[ \n]+", " ", mail.body)


def html_of(mail: Any) -> str:
    (part,) = mail.alternatives
    return str(part[0])


def html_words(mail: Any) -> str:
    """The words of the HTML part's body, without its tags."""
    body = re.search(r"<body.*</body>", html_of(mail), re.S)
    assert body
    return re.sub(r"[ \n]+", " ", unescape(re.sub(r"<[^>]+>", " ", body[0])))


def links(mail: Any) -> list[str]:
    """The paths of the portal's own links, in their order."""
    return [
        urlsplit(url).path for url in re.findall(r"http://127\.0\.0\.1:8000/go/[^\s)]+", mail.body)
    ]


@dataclass
class Outside:
    """The world around the portal: time passes, Stripe tells what happened, tasks run."""

    app: Flask
    sandbox: Flask
    clock: Any
    stripe: Any
    deliver_webhooks: Callable[[], list[int]]
    box: Mailbox = field(default_factory=Mailbox)

    def tell(self) -> None:
        """Delivers every webhook there ever was, again too, and runs the tasks."""
        assert set(self.deliver_webhooks()) <= {200}
        self.run_tasks()

    def run_tasks(self) -> str:
        done = self.app.test_cli_runner().invoke(args=["billing", "run-tasks"])
        assert done.exit_code == 0, done.output
        return str(done.output)

    def pass_time(self, moment: datetime) -> None:
        pass_time(self.sandbox, self.clock, moment)

    def pull(self, kind: str, stripe_id: str) -> None:
        pull(self.app, kind, stripe_id)

    def subjects(self, address: str = OWNER) -> list[str]:
        return [mail.subject for mail in self.box.to(address)]

    def mail(self, start: str, address: str = OWNER) -> Any:
        """The one mail to this address whose subject begins so."""
        found = [mail for mail in self.box.to(address) if mail.subject.startswith(start)]
        assert len(found) == 1, self.subjects(address)
        return found[0]


@pytest.fixture
def outside(app: Flask, sandbox: Flask, clock: Any, stripe: Any, deliver_webhooks: Any) -> Outside:
    found = Outside(app, sandbox, clock, stripe, deliver_webhooks)
    found.box = open_mailbox(app)
    return found

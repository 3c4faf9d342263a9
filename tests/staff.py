"""Staff at their pages: looking at what an action would do, and pressing its button."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from flask import Flask

from billing import sync
from models import Account, AuditEntry, StaffAction, db


def agreed(page: Any) -> dict[str, str]:
    """The hidden fields of the page's confirming form: what pressing its button sends."""
    body = page.get_data(as_text=True)
    form = re.search(r'<form class="effects-confirm".*?</form>', body, re.S)
    assert form, words(page)
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form.group(0))
    return {unescape(name): unescape(value) for name, value in found if name != "csrf_token"}


def words(page: Any) -> str:
    """What the page says, on one line."""
    body = page.get_data(as_text=True)
    main = re.search(r"<main.*?</main>", body, re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", main.group(0) if main else body)))


class Desk:
    """A member of staff at the pages of one account."""

    def __init__(self, app: Flask, browser: Any, account: str):
        self.app, self.browser = app, browser
        with app.app_context():
            self.number = db.session.query(Account).filter_by(name=account).one().id

    def path(self, noun: str) -> str:
        return f"/admin/customers/{self.number}/{noun}"

    def look(self, path: str, **filled_in: Any) -> Any:
        """The page that says what would happen."""
        return self.browser.get(path, query_string=filled_in)

    def press(self, path: str, form: dict[str, str]) -> Any:
        return self.browser.post(path, data=form)

    def do(self, path: str, **filled_in: Any) -> str:
        """Looks, presses, and reads the page that it leads to."""
        page = self.look(path, **filled_in)
        answer = self.press(path, agreed(page))
        assert answer.status_code == 303, words(answer)
        return words(self.browser.get(answer.location))

    def pull(self, kind: str, stripe_id: str) -> None:
        with self.app.app_context():
            sync.pull(kind, stripe_id)

    def audited(self, action: str) -> list[AuditEntry]:
        with self.app.app_context():
            found = db.session.query(AuditEntry).filter_by(action=action).all()
            return [(each.before, each.after, each.account_id) for each in found]

    def actions(self) -> list[str]:
        with self.app.app_context():
            return [each.status for each in db.session.query(StaffAction)]


@pytest.fixture
def desk(app: Flask, people: Any, team: str) -> Desk:
    """Support, for Northwind, who pays $392.00 for 8 seats of Team; half of the month is used."""
    return Desk(app, people.staff_member("support@tidewater.example", "support"), "Northwind")


@pytest.fixture
def invoice(stripe: Any, team: str) -> str:
    """The id of Northwind's one invoice, paid by card: $392.00."""
    return stripe.v1.invoices.list({"subscription": team}).data[0].id


@pytest.fixture
def open_invoice(desk: Desk, stripe: Any, team: str) -> str:
    """The id of an open invoice of Northwind's: two days at $300.00 and a ticket for $50.00."""
    customer = stripe.v1.subscriptions.retrieve(team).customer
    made = stripe.v1.invoices.create(
        {
            "customer": customer,
            "collection_method": "send_invoice",
            "days_until_due": 30,
            "auto_advance": False,
        }
    )
    day = stripe.v1.prices.create({"product": "demo_team", "currency": "usd", "unit_amount": 30000})
    for given in (
        {"pricing": {"price": day.id}, "quantity": 2},
        {"amount": 5000, "currency": "usd", "description": "Ticket"},
    ):
        stripe.v1.invoice_items.create({"customer": customer, "invoice": made.id, **given})
    stripe.v1.invoices.finalize_invoice(made.id)
    desk.pull("invoice", made.id)
    return str(made.id)

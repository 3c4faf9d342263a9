"""Changing prices as staff do, and reading what Stripe has of it: shared by the tests of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from billing import sync
from models import Account, Price, PriceChange, PriceMove, db
from tests.conftest import Browser
from tests.quote_page import text_of

STAFF = "mira@tidewater.example"


@dataclass
class Changing:
    """Mira, an admin, and the prices she changes."""

    app: Flask
    stripe: Any
    people: Any
    subscribe: Any
    mira: Browser = field(init=False)
    # Team, monthly, before anything was changed.
    price_before: str = field(init=False)

    def __post_init__(self) -> None:
        self.price_before = self.price()
        self.mira = self.people.staff_member(STAFF, "admin")

    def subscriber(self, name: str, plan: str = "team", **params: Any) -> str:
        """An account of that name with a subscription; the subscription's id."""
        with self.app.app_context():
            if db.session.query(Account).filter_by(name=name).one_or_none() is None:
                db.session.add(Account(name=name))
                db.session.commit()
        return str(self.subscribe(name, plan, **params))

    def price(self, key: str = "demo_team_month") -> str:
        """The id of the price that has this lookup key."""
        with self.app.app_context():
            return str(db.session.query(Price.stripe_id).filter_by(lookup_key=key).scalar())

    def draft(self, price: str | None = None, **amounts: str) -> int:
        """Drafts a change of the price (Team, monthly) by its form; the change's number."""
        price = price or self.price()
        typed = {"usd": "54", "eur": "49.50", "jpy": "8200", **amounts}
        with self.app.app_context():
            codes = db.session.get(Price, price).currencies
        data = {f"amount_{code}": typed[code] for code in codes}
        answer = self.mira.post(f"/admin/price-changes/new/{price}", data=data)
        assert answer.status_code == 303, text_of(answer)
        return int(answer.location.rsplit("/", 1)[1])

    def choose(self, number: int, **given: str) -> Any:
        """Sends who moves and when: at the next renewal with 30 days of notice, by default."""
        data = {"rule": "renewal", "notice_days": "30", "currency": "", **given}
        return self.mira.post(f"/admin/price-changes/{number}", data=data)

    def page(self, number: int, more: str = "") -> str:
        return text_of(self.mira.get(f"/admin/price-changes/{number}{more}"))

    def confirm(self, number: int, **given: str) -> Any:
        """Reads the confirmation and presses its button."""
        url = f"/admin/price-changes/{number}/confirmation"
        shown = self.mira.get(url)
        found = re.search(r'name="seen" value="(\w+)"', shown.text)
        assert found, text_of(shown)
        return self.mira.post(url, data={"seen": found[1], **given})

    def change(self, price: str | None = None, **choice: str) -> int:
        """A change, drafted, chosen, confirmed; its number."""
        number = self.draft(price)
        answer = self.choose(number, **choice)
        assert answer.status_code == 303, text_of(answer)
        answer = self.confirm(number)
        assert answer.status_code == 303, text_of(answer)
        return number

    def run(self) -> str:
        """Runs the command; what it said."""
        done = self.app.test_cli_runner().invoke(args=["billing", "move-prices"])
        assert done.exit_code == 0, done.output
        return str(done.output)

    def tasks(self) -> None:
        """Lets the background tasks run, as a worker does: moves, notices, mails."""
        done = self.app.test_cli_runner().invoke(args=["billing", "run-tasks"])
        assert done.exit_code == 0, done.output

    def row(self, number: int) -> PriceChange:
        db.session.expire_all()
        return db.session.get_one(PriceChange, number)

    def moves(self, number: int) -> dict[str, tuple[str, str | None]]:
        """Status and reason of every move of the change, by its account's name."""
        with self.app.app_context():
            found = db.session.query(PriceMove).filter_by(change_id=number).all()
            return {
                move.account.name if move.account else move.subscription_id: (
                    move.status,
                    move.reason,
                )
                for move in found
            }

    def pull(self, kind: str, stripe_id: str) -> None:
        with self.app.app_context():
            sync.pull(kind, stripe_id)

    def pull_all(self, subscription_id: str) -> None:
        """The subscription and its schedule, as webhooks would have them pulled."""
        found = self.stripe.v1.subscriptions.retrieve(subscription_id)
        with self.app.app_context():
            sync.pull("subscription", subscription_id)
            if found.schedule:
                sync.pull("subscription_schedule", found.schedule)

    def phases(self, subscription_id: str) -> list[tuple[str, str, int]]:
        """Day, price's lookup or id, and quantity of the phases of its live schedule; no
        schedule, none."""
        found = self.stripe.v1.subscriptions.retrieve(subscription_id)
        if not found.schedule:
            return []
        schedule = self.stripe.v1.subscription_schedules.retrieve(found.schedule)
        return [
            (
                f"{datetime.fromtimestamp(phase.start_date, UTC):%Y-%m-%d}",
                phase["items"][0]["price"],
                phase["items"][0]["quantity"],
            )
            for phase in schedule.phases
        ]


@pytest.fixture
def changing(
    app: Flask, stripe: Any, people: Any, subscribe: Any, without_trials: None
) -> Changing:
    """Mira, who may change prices; the demo's plans, none with a trial."""
    return Changing(app, stripe, people, subscribe)

"""Arranging payments that fail or wait for the bank, and looking at what was charged."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from billing import sync
from models import Subscription, db
from sandbox import events
from sandbox.store import store
from tests.quote_page import pass_time, use_card

ASKS_EVERY_TIME = "pm_card_threeDSecure2Required"
FAILS = "pm_card_chargeCustomerFail"


@pytest.fixture
def renewal(app: Any, stripe: Any, sandbox: Any, clock: Any, team_owner: Any) -> Callable[..., str]:
    """Moves the clock past Team's renewal, charged to a card of that kind; the invoice's id.

    `reason` is the bank's reason to refuse the card: `renewal(reason="insufficient_funds")`.
    """

    def make(card: str = FAILS, reason: str | None = None) -> str:
        subscription_id = subscription_of(app)
        use_card(app, stripe, subscription_id, card)
        if reason:
            refuse(sandbox, default_of(stripe, subscription_id), reason)
        ends = stripe.v1.subscriptions.retrieve(subscription_id)["items"].data[0].current_period_end
        pass_time(
            sandbox, clock, clock.now.fromtimestamp(ends, clock.now.tzinfo) + timedelta(hours=2)
        )
        return pull_all(app, subscription_id)

    return make


@pytest.fixture
def team_owner(people: Any, subscribe: Callable[..., str]) -> str:
    """The address of an owner whose account is on Team with 8 seats, $392.00 a month."""
    people.join("ada@northwind.example")
    subscribe("Northwind", "team", quantity=8)
    return "ada@northwind.example"


@pytest.fixture
def saved(app: Any, stripe: Any, clock: Any) -> Callable[..., str]:
    """Saves one more test card of the account, later than the others and no default; its id."""

    def save(token: str) -> str:
        clock.advance(minutes=1)
        customer = stripe.v1.subscriptions.retrieve(subscription_of(app)).customer
        made = stripe.v1.payment_methods.attach(token, {"customer": customer})
        with app.app_context():
            sync.pull("payment_method", made.id)
        return str(made.id)

    return save


@pytest.fixture
def bank(sandbox: Any, stripe: Any) -> Callable[[str, str], None]:
    """Answers the bank's question about an invoice: `bank(invoice_id, "complete")` or "fail"."""

    def say(invoice_id: str, answer: str) -> None:
        invoice = stripe.v1.invoices.retrieve(invoice_id, {"expand": ["confirmation_secret"]})
        secret = invoice.confirmation_secret.client_secret
        sandbox.test_client().post(f"/bank/{secret}", data={"answer": answer})

    return say


def subscription_of(app: Any) -> str:
    with app.app_context():
        return str(db.session.query(Subscription.stripe_id).one()[0])


def pull_all(app: Any, subscription_id: str) -> str:
    """Brings the subscription and its latest invoice into the mirror; the invoice's id."""
    with app.app_context():
        subscription = sync.pull("subscription", subscription_id)
        sync.pull("invoice", subscription.latest_invoice_id)
        return str(subscription.latest_invoice_id)


def default_of(stripe: Any, subscription_id: str) -> str:
    """The customer's default method."""
    customer = stripe.v1.subscriptions.retrieve(subscription_id).customer
    return str(stripe.v1.customers.retrieve(customer).invoice_settings.default_payment_method)


def refuse(sandbox: Any, method_id: str, reason: str) -> None:
    """From now on the bank refuses the card for that reason."""
    with sandbox.app_context(), events.transaction():
        method = store.get("payment_method", method_id)
        store.save(method | {"_behavior": f"later:{reason}"})


def charges(stripe: Any, status: str = "succeeded") -> list[int]:
    """The amounts charged so far, of all customers."""
    found = stripe.v1.charges.list({"limit": 100}).auto_paging_iter()
    return [charge.amount for charge in found if charge.status == status]


def form_of(page: Any, action: str) -> dict[str, str]:
    """The hidden fields of the form that is sent to an address, as a browser would send them."""
    forms = re.findall(
        rf'<form[^>]*action="{re.escape(action)}"[^>]*>(.*?)</form>',
        page.get_data(as_text=True),
        re.S,
    )
    assert forms, f"no form to {action}"
    hidden = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', forms[0])
    return {name: value for name, value in hidden if name != "csrf_token"}

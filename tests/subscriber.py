"""Fixtures of an account that subscribes, shared by the tests of its pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from billing import sync
from models import Customer, db

# Half of the first month, which begins at the suite's first moment.
HALF_WAY = datetime(2026, 12, 4, 12, 0, tzinfo=UTC)


@pytest.fixture
def without_trials(app: Flask, stripe: Any, catalog: None) -> None:
    """The demo's plans, none of which begins with a trial: buying one charges at once."""
    for product in ("demo_starter", "demo_team", "demo_business"):
        stripe.v1.products.update(product, {"metadata": {"trial_days": ""}})
        with app.app_context():
            sync.pull("product", product)


@pytest.fixture
def owner(people: Any, subscribe: Callable[..., str]) -> Any:
    """An owner, signed in, whose account pays for one seat of Team; one invoice is paid."""
    browser = people.owner()
    subscribe("Northwind", "team")
    return browser


@pytest.fixture
def customer_id(app: Flask, owner: Any) -> str:
    with app.app_context():
        return db.session.query(Customer.stripe_id).scalar()


@pytest.fixture
def bill(app: Flask, stripe: Any, customer_id: str) -> Callable[..., str]:
    """Makes an invoice at Stripe and in the mirror: bill(1500, "Workshop"); its id.

    It is finalized and open, unless `finalize` is False; more keywords go to the invoice.
    """

    def make(
        amount: int,
        description: str = "Workshop",
        currency: str = "usd",
        finalize: bool = True,
        **params: Any,
    ) -> str:
        made = stripe.v1.invoices.create(
            {
                "customer": customer_id,
                "currency": currency,
                "collection_method": "send_invoice",
                "days_until_due": 30,
                "auto_advance": False,
                **params,
            }
        )
        stripe.v1.invoice_items.create(
            {
                "customer": customer_id,
                "invoice": made.id,
                "amount": amount,
                "currency": currency,
                "description": description,
            }
        )
        if finalize:
            stripe.v1.invoices.finalize_invoice(made.id)
        with app.app_context():
            sync.pull("invoice", made.id)
        return made.id

    return make


@pytest.fixture
def team(people: Any, subscribe: Callable[..., str], clock: Any) -> str:
    """Northwind on Team with 8 seats, half of the month used; the subscription's id."""
    people.join("ada@northwind.example")
    subscription_id = subscribe("Northwind", "team", quantity=8)
    clock.set(HALF_WAY)
    return subscription_id

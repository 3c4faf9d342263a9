"""What falls due happens when the clock is moved by a request."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox import Sandbox, duties
from sandbox import clock as sandbox_clock
from sandbox.engine import subscribing
from sandbox.resources import customers, prices, products
from sandbox.store import store


def test_moving_the_clock_performs_what_is_due_and_is_remembered(
    app: Sandbox, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    due_at = clock.now() + 3600

    def welcome() -> None:
        if clock.now() >= due_at:
            customers.create({"name": "Due"})

    monkeypatch.setattr(duties, "_duties", [welcome])

    @app.post("/advance/<int:seconds>")
    def advance(seconds: int) -> str:
        return str(sandbox_clock.advance(seconds))

    browser = app.test_client()
    browser.post("/advance/1800")
    with app.storage.transaction():
        assert store.all("customer") == []
    browser.post("/advance/1800")
    with app.storage.transaction():
        assert [one["name"] for one in store.all("customer")] == ["Due"]
        assert store.setting("clock_offset") == "3600"


def test_a_month_later_the_subscription_is_renewed(app: Sandbox, clock: Any) -> None:
    @app.post("/advance/<int:seconds>")
    def advance(seconds: int) -> str:
        return str(sandbox_clock.advance(seconds))

    with app.test_request_context(), app.storage.transaction():
        customer = customers.create(
            {
                "payment_method": "pm_card_visa",
                "invoice_settings": {"default_payment_method": "pm_card_visa"},
            }
        )
        product = products.create({"name": "Pro"})
        recurring = {"interval": "month"}
        price = prices.add(
            {"currency": "usd", "unit_amount": 900, "product": product["id"]}
            | {"recurring": recurring}
        )
        subscription = subscribing.create(
            customer, {"customer": customer["id"], "items": [{"price": price["id"]}]}
        )
    app.test_client().post(f"/advance/{31 * 86_400 + 7200}")
    with app.storage.transaction():
        invoices = store.all("invoice", subscription=subscription["id"])
        assert [(one["billing_reason"], one["status"]) for one in invoices] == [
            ("subscription_create", "paid"),
            ("subscription_cycle", "paid"),
        ]

"""What the billing tests start from: a shop with plans, and a customer who can pay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import stripe

from sandbox import Sandbox, clock
from sandbox.engine.time import run_due


@dataclass
class Shop:
    """A customer and monthly and yearly prices, and shortcuts to what tests do with them."""

    client: stripe.StripeClient
    app: Sandbox

    def price(self, amount: int | None = 2900, interval: str = "month", **given: Any) -> Any:
        product = (
            given.pop("product", None)
            or self.client.v1.products.create({"name": given.pop("name", "Team")}).id
        )
        recurring = {"interval": interval, **given.pop("recurring", {})}
        params = {"product": product, "currency": "usd", "recurring": recurring, **given}
        if amount is not None:
            params["unit_amount"] = amount
        return self.client.v1.prices.create(params)

    def customer(self, card: str | None = "pm_card_visa", **given: Any) -> Any:
        customer = self.client.v1.customers.create({"email": "a@example.com", **given})
        if card:
            self.card(customer, card)
        return self.client.v1.customers.retrieve(customer.id)

    def card(self, customer: Any, name: str = "pm_card_visa") -> Any:
        """Attach a test card and make it the customer's default."""
        method = self.client.v1.payment_methods.attach(name, {"customer": customer.id})
        self.client.v1.customers.update(
            customer.id, {"invoice_settings": {"default_payment_method": method.id}}
        )
        return method

    def subscribe(self, customer: Any, price: Any, quantity: int = 1, **given: Any) -> Any:
        return self.client.v1.subscriptions.create(
            {
                "customer": customer.id,
                "items": [{"price": price.id, "quantity": quantity}],
                **given,
            }
        )

    def change(self, subscription: Any, price: Any = None, **given: Any) -> Any:
        """Update the subscription's first item."""
        item: dict[str, Any] = {"id": subscription["items"].data[0].id}
        if price is not None:
            item["price"] = price.id
        if "quantity" in given:
            item["quantity"] = given.pop("quantity")
        return self.client.v1.subscriptions.update(subscription.id, {"items": [item], **given})

    def again(self, subscription: Any) -> Any:
        return self.client.v1.subscriptions.retrieve(subscription.id)

    def invoices(self, subscription: Any) -> list[Any]:
        """The subscription's invoices, oldest first."""
        found = self.client.v1.invoices.list({"subscription": subscription.id, "limit": 100})
        return found.data[::-1]

    def latest(self, subscription: Any) -> Any:
        return self.client.v1.invoices.retrieve(self.again(subscription).latest_invoice)

    def travel(self, to: int) -> None:
        """Let time pass until `to`, and everything that is due on the way happen."""
        clock.set(to)
        with self.app.app_context(), self.app.storage.transaction():
            run_due(to)

    def events(self, type: str) -> list[Any]:
        """Every event of a type, oldest first."""
        found = self.client.v1.events.list({"type": type, "limit": 100})
        return found.data[::-1]


def amounts(invoice: Any) -> list[int]:
    """The amounts of an invoice's lines."""
    return [line.amount for line in invoice.lines.data]

"""Customers and what belongs to them."""

from __future__ import annotations

from typing import Any

import stripe

from sandbox.tests.makers import maker


@maker("customer")
def customer(client: stripe.StripeClient) -> Any:
    return client.v1.customers.create(
        {
            "email": "ann@example.com",
            "name": "Ann",
            "address": {"line1": "1 Main St", "country": "DE"},
            "shipping": {"name": "Ann", "address": {"line1": "1 Main St"}},
            "invoice_settings": {
                "custom_fields": [{"name": "PO", "value": "7"}],
                "footer": "Thanks",
                "rendering_options": {"amount_tax_display": "exclude_tax"},
            },
            "metadata": {"account": "1"},
            "balance": -500,
            "tax_id_data": [{"type": "eu_vat", "value": "DE123456789"}],
            "expand": ["tax_ids", "tax", "subscriptions", "sources", "cash_balance"],
        }
    )


@maker("tax_id")
def tax_id(client: stripe.StripeClient) -> Any:
    return client.v1.customers.tax_ids.create(
        customer(client).id,
        {"type": "eu_vat", "value": "FR12345678901", "expand": ["customer", "owner.customer"]},
    )


@maker("customer_balance_transaction")
def customer_balance_transaction(client: stripe.StripeClient) -> Any:
    return client.v1.customers.balance_transactions.create(
        customer(client).id, {"amount": -250, "currency": "usd", "expand": ["customer"]}
    )

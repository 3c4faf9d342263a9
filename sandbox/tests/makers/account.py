"""What belongs to the account itself."""

from __future__ import annotations

from typing import Any

import stripe

from sandbox.tests.makers import catalogue, maker


@maker("account")
def account(client: stripe.StripeClient) -> Any:
    return client.v1.accounts.retrieve_current()


@maker("webhook_endpoint")
def webhook_endpoint(client: stripe.StripeClient) -> Any:
    return client.v1.webhook_endpoints.create(
        {
            "url": "http://127.0.0.1:8000/webhooks/stripe",
            "enabled_events": ["*"],
            "api_version": "2026-10-28.endive",
        }
    )


@maker("event")
def event(client: stripe.StripeClient) -> Any:
    product = catalogue.product(client)
    client.v1.products.update(product.id, {"name": "Team"})
    found = client.v1.events.list({"type": "product.updated"}).data[0]
    return client.v1.events.retrieve(found.id)


@maker("payment_method_domain")
def payment_method_domain(client: stripe.StripeClient) -> Any:
    return client.v1.payment_method_domains.create({"domain_name": "localhost"})


@maker("billing_portal.configuration")
def billing_portal_configuration(client: stripe.StripeClient) -> Any:
    product = catalogue.product(client)
    return client.v1.billing_portal.configurations.create(
        {
            "features": {
                "customer_update": {"enabled": True, "allowed_updates": ["email", "tax_id"]},
                "invoice_history": {"enabled": True},
                "subscription_pause": {
                    "enabled": True,
                    "duration": {
                        "type": "interval_options",
                        "interval_options": [{"interval": "month"}],
                    },
                },
                "subscription_update": {
                    "enabled": True,
                    "default_allowed_updates": ["price"],
                    "products": [{"product": product.id, "prices": [product.default_price.id]}],
                },
            },
            "expand": ["features.subscription_update.products"],
        }
    )

"""The endpoint that Stripe delivers our events to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import stripe

from billing.gateway.client import API_VERSION, translated, v1


def at(url: str) -> stripe.WebhookEndpoint | None:
    """The endpoint registered for exactly this address, or None."""
    with translated():
        for endpoint in v1().webhook_endpoints.list({"limit": 100}).auto_paging_iter():
            if endpoint.url == url:
                return endpoint
    return None


def create(url: str, types: Sequence[str]) -> stripe.WebhookEndpoint:
    """A new endpoint at the pinned API version; only this answer carries its `secret`."""
    wanted: list[Any] = list(types)  # names of event types, checked by Stripe
    with translated():
        return v1().webhook_endpoints.create(
            {
                "url": url,
                "enabled_events": wanted,
                "api_version": API_VERSION,
                "description": "Billing portal",
            }
        )


def update(endpoint_id: str, types: Sequence[str]) -> stripe.WebhookEndpoint:
    """The endpoint, enabled and listening to exactly `types`."""
    wanted: list[Any] = list(types)
    with translated():
        return v1().webhook_endpoints.update(
            endpoint_id, {"enabled_events": wanted, "disabled": False}
        )


def delete(endpoint_id: str) -> None:
    """Removes the endpoint; its secret is worth nothing afterwards."""
    with translated():
        v1().webhook_endpoints.delete(endpoint_id)

"""Stripe's objects as plain JSON."""

from __future__ import annotations

from typing import Any

import stripe


def as_json(found: stripe.StripeObject) -> dict[str, Any]:
    """The object's whole data, nested objects and all.

    The SDK's own `to_dict` leaves objects that lie beneath a plain dict as they are, such as a
    promotion code's least amounts by currency.
    """
    return {name: _plain(value) for name, value in found.to_dict(for_json=True).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, stripe.StripeObject):
        return as_json(value)
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value

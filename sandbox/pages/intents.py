"""Setup and payment intents as a browser may see and confirm them, by their client secret."""

from __future__ import annotations

import hmac
from typing import Any

from sandbox.engine import paying
from sandbox.errors import ApiError
from sandbox.store import store

KINDS = {"seti": "setup_intent", "pi": "payment_intent"}
# What Stripe answers to a publishable key: no customer, no metadata.
PUBLIC = {
    "setup_intent": [
        "id",
        "object",
        "automatic_payment_methods",
        "cancellation_reason",
        "client_secret",
        "created",
        "description",
        "last_setup_error",
        "livemode",
        "next_action",
        "payment_method",
        "payment_method_types",
        "status",
        "usage",
    ],
    "payment_intent": [
        "id",
        "object",
        "amount",
        "automatic_payment_methods",
        "canceled_at",
        "cancellation_reason",
        "capture_method",
        "client_secret",
        "confirmation_method",
        "created",
        "currency",
        "description",
        "last_payment_error",
        "livemode",
        "next_action",
        "payment_method",
        "payment_method_types",
        "receipt_email",
        "setup_future_usage",
        "shipping",
        "status",
    ],
}
CONFIRMABLE = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})


def find(client_secret: str) -> dict[str, Any] | None:
    """The intent that `client_secret` belongs to, or None."""
    id, separator, _ = client_secret.partition("_secret_")
    kind = KINDS.get(id.partition("_")[0])
    intent = store.find(kind, id) if kind and separator else None
    known = (intent or {}).get("client_secret") or ""
    return intent if known and hmac.compare_digest(known, client_secret) else None


def public(intent: dict[str, Any]) -> dict[str, Any]:
    """The intent without what only the merchant may see."""
    return {name: intent[name] for name in PUBLIC[intent["object"]] if name in intent}


def last_error(intent: dict[str, Any]) -> dict[str, Any] | None:
    """Why the last attempt failed, without the payment method that was tried."""
    name = "last_setup_error" if intent["object"] == "setup_intent" else "last_payment_error"
    error = intent.get(name)
    if not error:
        return None
    return {key: value for key, value in error.items() if key != "payment_method" and value}


def confirm(
    intent: dict[str, Any], payment_method: dict[str, Any] | None, return_url: str | None
) -> dict[str, Any]:
    """The intent after the buyer confirmed it with `payment_method`, or with the one it has.

    ApiError 400 when it cannot be confirmed any more or there is no payment method.
    """
    noun = "SetupIntent" if intent["object"] == "setup_intent" else "PaymentIntent"
    if intent["status"] not in CONFIRMABLE:
        already = "already succeeded" if intent["status"] == "succeeded" else "been canceled"
        raise ApiError(
            400,
            f"You cannot confirm this {noun} because it has {already}.",
            code=f"{intent['object']}_unexpected_state",
        )
    if payment_method is None and intent["payment_method"]:
        payment_method = store.get("payment_method", intent["payment_method"])
    if payment_method is None:
        raise ApiError(
            400,
            f"You cannot confirm this {noun} because it's missing a payment method.",
            code=f"{intent['object']}_unexpected_state",
        )
    if intent["object"] == "setup_intent":
        return paying.confirm_setup_intent(intent, payment_method, return_url=return_url)
    return paying.confirm_payment_intent(intent, payment_method, return_url=return_url)

"""Webhook signatures, checked with the SDK."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import stripe

from billing.errors import BadWebhook

# Stripe's docs, "Receive Stripe events in your webhook endpoint": five minutes.
TOLERANCE_SECONDS = 300


def verify(payload: bytes, header: str | None, secrets: Iterable[str], at: datetime) -> None:
    """Passes a body that one of `secrets` signed within five minutes of `at`.

    Raises BadWebhook otherwise. Several secrets are valid while an endpoint's is being rolled.
    """
    if not header or not header.isascii():
        raise BadWebhook("The signature is missing or malformed.")
    if not any(_signed(payload, header, secret) for secret in secrets):
        raise BadWebhook("The signature does not match.")
    if abs(at.timestamp() - _timestamp(header)) > TOLERANCE_SECONDS:
        raise BadWebhook("The signature is too old, or from the future.")


def _signed(payload: bytes, header: str, secret: str) -> bool:
    try:
        # No tolerance here: the SDK knows only old signatures, and only the machine's clock.
        stripe.WebhookSignature.verify_header(payload, header, secret)
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False
    return True


def _timestamp(header: str) -> int:
    """The `t` of a header that the SDK has accepted: the one it signed with."""
    stamps = [part.split("=")[1] for part in header.split(",") if part.split("=")[0] == "t"]
    return int(stamps[0])

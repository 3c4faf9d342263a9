"""The background thread that posts events to the webhook endpoints on this machine."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

import requests

from sandbox import events
from sandbox.background import Background
from sandbox.chaos import deliveries

TIMEOUT = (3, 30)  # seconds to connect, and to wait for the answer
LONGEST_SLEEP = 60.0  # seconds
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Courier(Background):
    """Delivers what is due, in order, until stopped."""

    def __init__(self) -> None:
        super().__init__("webhook-delivery")

    def work(self) -> float:
        for event, endpoint in deliveries.leaving():
            if not self.stopped:
                deliver(event, endpoint)
        next_at = deliveries.next_due()
        return LONGEST_SLEEP if next_at is None else min(next_at - time.time(), LONGEST_SLEEP)


def deliver(event: dict[str, Any], endpoint: dict[str, Any]) -> None:
    """Post an event to an endpoint, signed now, and log what came of it."""
    if urlsplit(endpoint["url"]).hostname not in LOOPBACK:
        status, text = None, "Not sent: the sandbox delivers to this machine only."
    else:
        status, text = _post(event, endpoint)
    events.record(event["id"], endpoint["id"], status, text)


def _post(event: dict[str, Any], endpoint: dict[str, Any]) -> tuple[int | None, str]:
    body = events.payload(event)
    try:
        response = requests.post(
            endpoint["url"],
            data=body,
            headers={
                "Content-Type": "application/json; charset=utf-8",
                "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
                "Stripe-Signature": events.signature(body, endpoint["secret"], int(time.time())),
            },
            timeout=TIMEOUT,
            allow_redirects=False,
        )
    except requests.RequestException as error:
        return None, f"{type(error).__name__}: {error}"
    return response.status_code, response.text

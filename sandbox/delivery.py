"""The background thread that posts events to the webhook endpoints on this machine."""

from __future__ import annotations

import threading
import time
from typing import Any
from urllib.parse import urlsplit

import requests

from sandbox import events

TIMEOUT = (3, 30)  # seconds to connect, and to wait for the answer
LONGEST_SLEEP = 60.0
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Courier:
    """Delivers what is due, in order, until stopped."""

    def __init__(self) -> None:
        self._due = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="webhook-delivery", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Look for work now, not at the next planned attempt."""
        self._due.set()

    def stop(self) -> None:
        self._stopped = True
        self._due.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stopped:
            self._due.clear()
            for event, endpoint in events.due():
                if self._stopped:
                    return
                deliver(event, endpoint)
            next_at = events.next_due()
            wait = LONGEST_SLEEP if next_at is None else next_at - time.time()
            self._due.wait(min(max(wait, 0.0), LONGEST_SLEEP))


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

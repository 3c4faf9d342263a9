"""Every request to Stripe measured: how it ended, how long it took, what time Stripe told.

The gateway keeps nothing of it. Whoever is interested registers with `listens`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import stripe

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Call:
    """One request. Outcomes: answered; declined (402); refused (another 4xx); busy (429, or 409
    for a key in use); locked_out (our key was refused); failed (5xx, or no answer at all)."""

    outcome: str
    milliseconds: int
    # Stripe's own time of its answer, in whole seconds.
    stripe_time: datetime | None


Listener = Callable[[Call], None]
_listeners: list[Listener] = []
OUTCOMES = {401: "locked_out", 402: "declined", 403: "locked_out", 409: "busy", 429: "busy"}


def listens(function: Listener) -> Listener:
    """Registers what is told of every request. It must not call Stripe; what it raises is logged.

    It is told while the caller waits for the answer, so it only takes note.
    """
    _listeners.append(function)
    return function


class MeasuredClient(stripe.RequestsClient):
    """The SDK's client on `requests`, telling the listeners of each attempt, retries too."""

    # Its own super class declares text where it returns bytes.
    def request(  # type: ignore[override]
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
    ) -> tuple[bytes, int, Mapping[str, str]]:
        began = time.perf_counter()
        try:
            content, status, answered = super().request(method, url, headers, post_data)
        except Exception:
            _tell("failed", began, {})
            raise
        _tell(_outcome(status), began, answered)
        return content, status, answered


def _outcome(status: int) -> str:
    if status >= 500:
        return "failed"
    return OUTCOMES.get(status, "refused" if status >= 400 else "answered")


def _tell(outcome: str, began: float, headers: Mapping[str, str]) -> None:
    took = round((time.perf_counter() - began) * 1000)
    call = Call(outcome, took, _time_in(headers))
    for listener in _listeners:
        try:
            listener(call)
        except Exception:
            log.exception("a call to Stripe was not noted")


def _time_in(headers: Mapping[str, str]) -> datetime | None:
    stamp = headers.get("Date")
    try:
        return parsedate_to_datetime(stamp) if stamp else None
    except ValueError:
        return None

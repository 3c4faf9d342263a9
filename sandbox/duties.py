"""What falls due as time passes: renewals, retries, expiries.

A duty looks for its own work and does it, in the transaction that is open. Duties run when a
request has advanced the clock, and now and then in the background.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from sandbox import events
from sandbox.background import Background

PAUSE = 5.0  # seconds between looks in the background

Duty = Callable[[], None]
_duties: list[Duty] = []


def duty(function: Duty) -> Duty:
    """Register a function to be called as time passes; it must be cheap when nothing is due."""
    _duties.append(function)
    return function


def perform() -> None:
    """Let every duty do what is due by the sandbox's clock."""
    for function in _duties:
        function()


class Timekeeper(Background):
    """Performs duties as the machine's time passes."""

    def __init__(self, app: Flask) -> None:
        super().__init__("duties")
        self._app = app

    def work(self) -> float:
        with self._app.app_context(), events.transaction():
            perform()
        return PAUSE

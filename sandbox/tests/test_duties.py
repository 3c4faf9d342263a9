"""What falls due happens when the clock is moved by a request."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox import Sandbox, duties
from sandbox import clock as sandbox_clock
from sandbox.resources import customers
from sandbox.store import store


def test_moving_the_clock_performs_what_is_due_and_is_remembered(
    app: Sandbox, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    due_at = clock.now() + 3600

    def welcome() -> None:
        if clock.now() >= due_at:
            customers.create({"name": "Due"})

    monkeypatch.setattr(duties, "_duties", [welcome])

    @app.post("/advance/<int:seconds>")
    def advance(seconds: int) -> str:
        return str(sandbox_clock.advance(seconds))

    browser = app.test_client()
    browser.post("/advance/1800")
    with app.storage.transaction():
        assert store.all("customer") == []
    browser.post("/advance/1800")
    with app.storage.transaction():
        assert [one["name"] for one in store.all("customer")] == ["Due"]
        assert store.setting("clock_offset") == "3600"

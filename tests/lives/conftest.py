"""One account's life, from the first moment of the suite."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.lives.life import Life


@pytest.fixture
def life(
    app: Any, sandbox: Any, stripe: Any, clock: Any, people: Any, without_trials: None
) -> Iterator[Life]:
    """Northwind and its owner Ada; the sandbox's webhooks reach the portal. No plan has a trial."""
    settings = app.config["SETTINGS"]
    begun = Life(app, sandbox, stripe, clock, people)
    yield begun
    app.config["SETTINGS"] = settings

"""One account's life, from the first moment of the suite."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.lives.life import Life


@pytest.fixture
def life(
    app: Any, sandbox: Any, stripe: Any, clock: Any, people: Any, catalog: None
) -> Iterator[Life]:
    """Northwind and its owner Ada; the sandbox's webhooks reach the portal. No plan has a trial."""
    settings = app.config["SETTINGS"]
    begun = Life(app, sandbox, stripe, clock, people)
    for product in ("demo_starter", "demo_team", "demo_business"):
        stripe.v1.products.update(product, {"metadata": {"trial_days": ""}})
    begun.hear()
    yield begun
    app.config["SETTINGS"] = settings

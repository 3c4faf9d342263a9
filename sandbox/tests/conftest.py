"""The sandbox in one process: Stripe's own client on one side, the WSGI application on the other.

Every object any test gets is held against the SDK's annotations.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import responses
import stripe
from flask import Response, request

from sandbox import Sandbox, create_app, schema
from sandbox import clock as sandbox_clock
from sandbox.testing import BASE_URL, carry

NOON = 1_777_636_800  # 1 May 2026, 12:00 UTC


@pytest.fixture
def clock() -> Iterator[Any]:
    """The sandbox's clock, standing still at noon on 1 May 2026."""
    sandbox_clock.set(NOON)
    yield sandbox_clock
    sandbox_clock.reset()


@pytest.fixture
def app(clock: Any) -> Iterator[Sandbox]:
    """A fresh sandbox in memory; events wait in `sandbox.events.pending()`."""
    app = create_app(deliver=False)
    app.testing = True
    app.after_request(_as_the_sdk_says)
    yield app
    app.close()


@pytest.fixture
def stripe_client(app: Sandbox) -> Iterator[stripe.StripeClient]:
    """Stripe's unmodified client, its calls carried into the sandbox."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        carry(mock, app)
        yield stripe.StripeClient(
            "sk_test_sandbox",
            http_client=stripe.RequestsClient(),
            base_addresses={"api": BASE_URL},
        )


def _as_the_sdk_says(response: Response) -> Response:
    if request.path.startswith("/v1/") and response.status_code == 200 and response.is_json:
        found = schema.violations(json.loads(response.get_data()))
        assert not found, f"{request.method} {request.path}: {found}"
    return response

"""Test clocks."""

from __future__ import annotations

from typing import Any

import stripe

from sandbox.tests.makers import maker


@maker("test_helpers.test_clock")
def test_clock(client: stripe.StripeClient) -> Any:
    made = client.v1.test_helpers.test_clocks.create(
        {"frozen_time": 1_800_000_000, "name": "Leap year"}
    )
    client.v1.customers.create({"test_clock": made.id, "payment_method": "pm_card_visa"})
    return client.v1.test_helpers.test_clocks.advance(made.id, {"frozen_time": 1_800_086_400})

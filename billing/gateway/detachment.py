"""Taking a saved payment method off its customer."""

from __future__ import annotations

import stripe

from billing.gateway.client import translated, v1


def create(payment_method_id: str) -> stripe.PaymentMethod:
    """The method without a customer; it can never be charged or attached again."""
    with translated():
        return v1().payment_methods.detach(payment_method_id)

"""Which saved payment method is charged: the customer's default and a subscription's own."""

from __future__ import annotations

import stripe

from billing.gateway.client import translated, v1


def set_for_customer(customer_id: str, payment_method_id: str) -> stripe.Customer:
    """The customer, whose invoices and subscriptions without a method of their own now use it."""
    with translated():
        return v1().customers.update(
            customer_id, {"invoice_settings": {"default_payment_method": payment_method_id}}
        )


def set_for_subscription(subscription_id: str, payment_method_id: str) -> stripe.Subscription:
    """The subscription, which now has this method of its own."""
    with translated():
        return v1().subscriptions.update(
            subscription_id, {"default_payment_method": payment_method_id}
        )

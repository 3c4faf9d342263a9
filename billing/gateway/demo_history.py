"""A subscriber's first weeks at Stripe, for the demo: a card, a subscription, a few invoices."""

from __future__ import annotations

import stripe

from billing.gateway.client import translated, v1


def create_subscriber(account_id: int, name: str, email: str) -> stripe.Customer:
    """A customer in Germany with a Visa as its default."""
    with translated():
        customer = v1().customers.create(
            {
                "name": name,
                "email": email,
                "metadata": {"account_id": str(account_id)},
                "address": {
                    "line1": "Lindenstr. 4",
                    "postal_code": "10969",
                    "city": "Berlin",
                    "country": "DE",
                },
            }
        )
        v1().customers.tax_ids.create(customer.id, {"type": "eu_vat", "value": "DE123456789"})
        card = v1().payment_methods.attach("pm_card_visa", {"customer": customer.id})
        return v1().customers.update(
            customer.id, {"invoice_settings": {"default_payment_method": card.id}}
        )


def create_subscription(customer_id: str, price_id: str, seats: int) -> stripe.Subscription:
    """A paid subscription that starts now."""
    with translated():
        return v1().subscriptions.create(
            {
                "customer": customer_id,
                "items": [{"price": price_id, "quantity": seats}],
                "payment_behavior": "error_if_incomplete",
            }
        )


def set_seats(subscription: stripe.Subscription, seats: int) -> None:
    """More seats from now on, billed at once."""
    with translated():
        item = v1().subscription_items.list({"subscription": subscription.id}).data[0]
        v1().subscriptions.update(
            subscription.id,
            {
                "items": [{"id": item.id, "quantity": seats}],
                "proration_behavior": "always_invoice",
                "payment_behavior": "error_if_incomplete",
            },
        )


def bill_once(customer_id: str, description: str, amount: int, currency: str) -> None:
    """One paid invoice with a single line; `amount` in minor units."""
    with translated():
        invoice = v1().invoices.create({"customer": customer_id, "currency": currency})
        v1().invoice_items.create(
            {
                "customer": customer_id,
                "invoice": invoice.id or "",
                "description": description,
                "amount": amount,
                "currency": currency,
            }
        )
        v1().invoices.finalize_invoice(invoice.id or "")
        v1().invoices.pay(invoice.id or "")


def invoices_of(customer_id: str) -> list[str]:
    """The ids of a customer's invoices."""
    with translated():
        listed = v1().invoices.list({"customer": customer_id, "limit": 100})
        return [invoice.id or "" for invoice in listed.auto_paging_iter()]

"""Payment methods, intents, subscriptions and invoices."""

from __future__ import annotations

from typing import Any

import stripe

from sandbox.tests.makers import customers, maker


def priced(client: stripe.StripeClient, amount: int = 2900, **recurring: Any) -> Any:
    product = client.v1.products.create({"name": "Team"})
    return client.v1.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "unit_amount": amount,
            "recurring": {"interval": "month", **recurring},
        }
    )


def payer(client: stripe.StripeClient, card: str = "pm_card_visa") -> Any:
    customer = customers.customer(client)
    method = client.v1.payment_methods.attach(card, {"customer": customer.id})
    client.v1.customers.update(
        customer.id, {"invoice_settings": {"default_payment_method": method.id}}
    )
    return customer


@maker("payment_method")
def payment_method(client: stripe.StripeClient) -> Any:
    customer = customers.customer(client)
    for name in ("pm_usBankAccount_success", "pm_sepaDebit"):
        client.v1.payment_methods.attach(name, {"customer": customer.id})
    return client.v1.payment_methods.create(
        {
            "type": "card",
            "card": {
                "number": "4242424242424242",
                "exp_month": 12,
                "exp_year": 2030,
                "cvc": "123",
            },
            "billing_details": {"name": "Ann", "address": {"postal_code": "94110"}},
        }
    )


@maker("setup_intent")
def setup_intent(client: stripe.StripeClient) -> Any:
    customer = customers.customer(client)
    return client.v1.setup_intents.create(
        {
            "customer": customer.id,
            "payment_method": "pm_card_authenticationRequired",
            "confirm": True,
            "return_url": "https://example.com/back",
            "expand": ["customer", "payment_method"],
        }
    )


@maker("payment_intent")
def payment_intent(client: stripe.StripeClient) -> Any:
    return client.v1.payment_intents.create(
        {
            "amount": 1000,
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "expand": ["latest_charge"],
        }
    )


@maker("charge")
def charge(client: stripe.StripeClient) -> Any:
    client.v1.payment_intents.create(
        {
            "amount": 1000,
            "currency": "eur",
            "payment_method": "pm_sepaDebit",
            "confirm": True,
        }
    )
    made = refund(client)
    return client.v1.charges.retrieve(made.charge, {"expand": ["refunds", "payment_intent"]})


@maker("refund")
def refund(client: stripe.StripeClient) -> Any:
    intent = payment_intent(client)
    return client.v1.refunds.create({"payment_intent": intent.id, "amount": 400})


@maker("subscription")
def subscription(client: stripe.StripeClient) -> Any:
    coupon = client.v1.coupons.create({"percent_off": 10, "duration": "forever"})
    rate = client.v1.tax_rates.create({"display_name": "VAT", "percentage": 19, "inclusive": False})
    return client.v1.subscriptions.create(
        {
            "customer": payer(client).id,
            "items": [{"price": priced(client).id, "quantity": 2, "tax_rates": [rate.id]}],
            "discounts": [{"coupon": coupon.id}],
            "default_tax_rates": [rate.id],
            "metadata": {"account": "1"},
            "expand": [
                "latest_invoice.confirmation_secret",
                "latest_invoice.payments",
                "customer",
                "discounts.source.coupon",
                "items.data.price.product",
            ],
        }
    )


@maker("subscription_item")
def subscription_item(client: stripe.StripeClient) -> Any:
    return client.v1.subscription_items.create(
        {"subscription": subscription(client).id, "price": priced(client).id}
    )


@maker("plan")
def plan(client: stripe.StripeClient) -> Any:
    return subscription_item(client).plan


@maker("discount")
def discount(client: stripe.StripeClient) -> Any:
    made = client.v1.subscriptions.retrieve(
        subscription(client).id, {"expand": ["discounts.promotion_code"]}
    )
    return made.discounts[0]


@maker("subscription_schedule")
def subscription_schedule(client: stripe.StripeClient) -> Any:
    team, starter = priced(client), priced(client, 900)
    made = client.v1.subscriptions.create(
        {"customer": payer(client).id, "items": [{"price": team.id}]}
    )
    schedule = client.v1.subscription_schedules.create({"from_subscription": made.id})
    phase = schedule.phases[0]
    return client.v1.subscription_schedules.update(
        schedule.id,
        {
            "phases": [
                {
                    "items": [{"price": team.id}],
                    "start_date": phase.start_date,
                    "end_date": phase.end_date,
                },
                {"items": [{"price": starter.id}], "duration": {"interval": "month"}},
            ],
            "expand": ["phases.items.price", "subscription", "customer"],
        },
    )


@maker("invoice")
def invoice(client: stripe.StripeClient) -> Any:
    made = subscription(client)
    item = made["items"].data[0].id
    preview = client.v1.invoices.create_preview(
        {
            "subscription": made.id,
            "subscription_details": {
                "items": [{"id": item, "quantity": 5}],
                "proration_behavior": "always_invoice",
            },
        }
    )
    assert preview.id.startswith("upcoming_in_")
    return client.v1.invoices.retrieve(
        made.latest_invoice.id,
        {"expand": ["payments.data.payment.payment_intent", "confirmation_secret", "discounts"]},
    )


@maker("line_item")
def line_item(client: stripe.StripeClient) -> Any:
    return client.v1.invoices.line_items.list(invoice(client).id).data[0]


@maker("invoiceitem")
def invoiceitem(client: stripe.StripeClient) -> Any:
    made = subscription(client)
    client.v1.subscriptions.update(
        made.id, {"items": [{"id": made["items"].data[0].id, "quantity": 3}]}
    )
    return client.v1.invoice_items.create(
        {"customer": made.customer.id, "amount": 500, "currency": "usd", "description": "Set-up"}
    )


@maker("invoice_payment")
def invoice_payment(client: stripe.StripeClient) -> Any:
    return client.v1.invoice_payments.list({"invoice": invoice(client).id}).data[0]


@maker("credit_note")
def credit_note(client: stripe.StripeClient) -> Any:
    made = invoice(client)
    line = made.lines.data[0]
    # Half of 5800 less 10 percent, and 19 percent of tax: 2610 + 496 = 3106.
    given = {
        "invoice": made.id,
        "lines": [{"type": "invoice_line_item", "invoice_line_item": line.id, "quantity": 1}],
        "refund_amount": 3000,
        "credit_amount": 106,
    }
    assert client.v1.credit_notes.preview(given).total == 3106
    return client.v1.credit_notes.create({**given, "expand": ["refunds.refund", "invoice"]})


@maker("credit_note_line_item")
def credit_note_line_item(client: stripe.StripeClient) -> Any:
    return client.v1.credit_notes.line_items.list(credit_note(client).id).data[0]


@maker("mandate")
def mandate(client: stripe.StripeClient) -> Any:
    customer = customers.customer(client)
    for name in ("pm_usBankAccount_success", "pm_sepaDebit_success_de"):
        method = client.v1.payment_methods.attach(name, {"customer": customer.id})
        intent = client.v1.setup_intents.create(
            {
                "customer": customer.id,
                "payment_method": method.id,
                "confirm": True,
                "return_url": "https://example.com/back",
            }
        )
    return client.v1.mandates.retrieve(intent.mandate)

"""Checkout and Billing Portal sessions, with as much set as one may set."""

from __future__ import annotations

from typing import Any

import stripe

from sandbox.tests.makers import maker

SUCCESS = "https://shop.example/done"
TRIAL = {"trial_settings": {"end_behavior": {"missing_payment_method": "cancel"}}}
FIELDS = [
    {
        "key": "size",
        "label": {"type": "custom", "custom": "Size"},
        "type": "dropdown",
        "dropdown": {"options": [{"label": "Small", "value": "s"}]},
    },
    {
        "key": "seats",
        "label": {"type": "custom", "custom": "Seats"},
        "type": "numeric",
        "optional": True,
    },
    {
        "key": "team",
        "label": {"type": "custom", "custom": "Team"},
        "type": "text",
        "text": {"maximum_length": 20},
        "optional": True,
    },
]


def price(client: stripe.StripeClient, **data: Any) -> Any:
    """A price of a new product."""
    product = client.v1.products.create({"name": "Team"})
    return client.v1.prices.create(
        {"product": product.id, "currency": "usd", "unit_amount": 1200, **data}
    )


@maker("checkout.session")
def checkout_session(client: stripe.StripeClient) -> Any:
    line = {
        "price": price(client, recurring={"interval": "month"}).id,
        "quantity": 2,
        "adjustable_quantity": {"enabled": True, "minimum": 1},
        "metadata": {"row": "1"},
    }
    return client.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "line_items": [line],
            "success_url": SUCCESS,
            "cancel_url": SUCCESS,
            "customer_email": "ada@example.com",
            "client_reference_id": "7",
            "allow_promotion_codes": True,
            "after_expiration": {"recovery": {"enabled": True}},
            "billing_address_collection": "required",
            "branding_settings": {"display_name": "Shop", "logo": {"type": "url", "url": SUCCESS}},
            "consent_collection": {"terms_of_service": "required", "promotions": "none"},
            "custom_fields": FIELDS,
            "custom_text": {"submit": {"message": "Thank you"}},
            "locale": "de",
            "name_collection": {"business": {"enabled": True}},
            "phone_number_collection": {"enabled": True},
            "payment_method_data": {"allow_redisplay": "always"},
            "saved_payment_method_options": {"payment_method_save": "enabled"},
            "subscription_data": TRIAL | {"trial_period_days": 7, "metadata": {"a": "b"}},
            "tax_id_collection": {"enabled": True},
            "expand": ["line_items"],
        }
    )


@maker("item")
def line_item(client: stripe.StripeClient) -> Any:
    session = client.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "line_items": [{"price": price(client).id, "quantity": 1}],
            "success_url": SUCCESS,
            "invoice_creation": {"enabled": False},
            "payment_intent_data": {"description": "Order", "setup_future_usage": "off_session"},
            "submit_type": "book",
        }
    )
    return client.v1.checkout.sessions.line_items.list(session.id).data[0]


@maker("billing_portal.session")
def portal_session(client: stripe.StripeClient) -> Any:
    customer = client.v1.customers.create({"email": "ada@example.com"})
    client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    method = client.v1.customers.payment_methods.list(customer.id).data[0]
    subscription = client.v1.subscriptions.create(
        {
            "customer": customer.id,
            "default_payment_method": method.id,
            "items": [{"price": price(client, recurring={"interval": "month"}).id}],
        }
    )
    coupon = client.v1.coupons.create({"percent_off": 10, "duration": "once"})
    for flow in ({"type": "payment_method_update"}, {"type": "customer_update"}):
        client.v1.billing_portal.sessions.create({"customer": customer.id, "flow_data": flow})
    return client.v1.billing_portal.sessions.create(
        {
            "customer": customer.id,
            "return_url": SUCCESS,
            "after_expiration": {"type": "customer_login", "customer_login": {}},
            "flow_data": {
                "type": "subscription_cancel",
                "subscription_cancel": {
                    "subscription": subscription.id,
                    "retention": {"type": "coupon_offer", "coupon_offer": {"coupon": coupon.id}},
                },
                "after_completion": {"type": "hosted_confirmation"},
            },
        }
    )

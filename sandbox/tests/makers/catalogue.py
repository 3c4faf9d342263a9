"""Products, prices, discounts and tax rates."""

from __future__ import annotations

from typing import Any

import stripe

from sandbox.tests.makers import maker


@maker("product")
def product(client: stripe.StripeClient) -> Any:
    return client.v1.products.create(
        {
            "name": "Pro",
            "description": "For teams",
            "images": ["https://example.com/pro.png"],
            "marketing_features": [{"name": "Unlimited projects"}],
            "metadata": {"slug": "pro"},
            "package_dimensions": {"height": 1.5, "length": 2, "weight": 3, "width": 4},
            "tax_details": {"tax_code": "txcd_10000000"},
            "unit_label": "seat",
            "default_price_data": {
                "currency": "usd",
                "unit_amount": 2000,
                "recurring": {"interval": "month"},
            },
            "expand": ["default_price"],
        }
    )


@maker("price")
def price(client: stripe.StripeClient) -> Any:
    return client.v1.prices.create(
        {
            "currency": "usd",
            "product_data": {"name": "Usage"},
            "billing_scheme": "tiered",
            "tiers_mode": "graduated",
            "tiers": [
                {"up_to": 10, "unit_amount": 500, "flat_amount": 100},
                {"up_to": "inf", "unit_amount_decimal": "99.5"},
            ],
            "currency_options": {
                "eur": {"tiers": [{"up_to": "inf", "unit_amount": 450}]},
            },
            "recurring": {"interval": "year"},
            "transform_quantity": {"divide_by": 10, "round": "up"},
            "expand": ["tiers", "currency_options", "product"],
        }
    )


@maker("coupon")
def coupon(client: stripe.StripeClient) -> Any:
    return client.v1.coupons.create(
        {
            "amount_off": 500,
            "currency": "usd",
            "currency_options": {"eur": {"amount_off": 450}},
            "duration": "repeating",
            "duration_in_months": 3,
            "applies_to": {"products": [product(client).id]},
            "expand": ["applies_to", "currency_options"],
        }
    )


@maker("promotion_code")
def promotion_code(client: stripe.StripeClient) -> Any:
    return client.v1.promotion_codes.create(
        {
            "promotion": {"type": "coupon", "coupon": coupon(client).id},
            "restrictions": {
                "minimum_amount": 1000,
                "minimum_amount_currency": "usd",
                "currency_options": {"eur": {"minimum_amount": 900}},
            },
            "expand": ["promotion.coupon", "restrictions.currency_options"],
        }
    )


@maker("tax_rate")
def tax_rate(client: stripe.StripeClient) -> Any:
    return client.v1.tax_rates.create(
        {
            "display_name": "VAT",
            "inclusive": False,
            "percentage": 19.0,
            "country": "DE",
            "tax_type": "vat",
        }
    )

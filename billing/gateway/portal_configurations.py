"""What subscribers may do in Stripe's hosted portal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

import stripe

from billing.gateway.client import translated, v1

if TYPE_CHECKING:
    from stripe.params.billing_portal import (
        ConfigurationCreateParamsBusinessProfile,
        ConfigurationCreateParamsFeatures,
        ConfigurationCreateParamsFeaturesSubscriptionUpdateProduct,
        ConfigurationUpdateParamsFeatures,
    )

# Marks the configuration that is ours among others of the account.
OWNER = {"managed_by": "billing-portal"}
MAX_PRODUCTS = 10


def ours() -> stripe.billing_portal.Configuration | None:
    """The active configuration made by `save`, or None."""
    with translated():
        listed = v1().billing_portal.configurations.list({"active": True, "limit": 100})
        for configuration in listed.auto_paging_iter():
            metadata = configuration.metadata
            if metadata is not None and metadata.to_dict() == OWNER:
                return configuration
    return None


def save(
    *,
    return_url: str,
    privacy_url: str | None,
    terms_url: str | None,
    prices_by_product: Mapping[str, Sequence[str]],
) -> stripe.billing_portal.Configuration:
    """Creates or updates our configuration, so that it allows what the portal itself allows."""
    profile: ConfigurationCreateParamsBusinessProfile = {}
    if privacy_url:
        profile["privacy_policy_url"] = privacy_url
    if terms_url:
        profile["terms_of_service_url"] = terms_url
    products: list[ConfigurationCreateParamsFeaturesSubscriptionUpdateProduct] = [
        {"product": product, "prices": list(prices)}
        for product, prices in list(prices_by_product.items())[:MAX_PRODUCTS]
    ]
    features: ConfigurationCreateParamsFeatures = {
        "customer_update": {
            "enabled": True,
            "allowed_updates": ["name", "email", "address", "phone", "tax_id"],
        },
        "invoice_history": {"enabled": True},
        "payment_method_update": {"enabled": True},
        "subscription_cancel": {
            "enabled": True,
            "mode": "at_period_end",
            "cancellation_reason": {
                "enabled": True,
                "options": [
                    "too_expensive",
                    "missing_features",
                    "switched_service",
                    "unused",
                    "customer_service",
                    "too_complex",
                    "low_quality",
                    "other",
                ],
            },
        },
    }
    if products:
        features["subscription_update"] = {
            "enabled": True,
            "default_allowed_updates": ["price", "quantity"],
            "proration_behavior": "always_invoice",
            "products": products,
            "schedule_at_period_end": {
                "conditions": [
                    {"type": "decreasing_item_amount"},
                    {"type": "shortening_interval"},
                ]
            },
        }
    else:
        features["subscription_update"] = {"enabled": False}
    existing = ours()
    # Create and update take the same features under types of two names.
    updated = cast("ConfigurationUpdateParamsFeatures", features)
    with translated():
        service = v1().billing_portal.configurations
        if existing is None:
            return service.create(
                {
                    "default_return_url": return_url,
                    "business_profile": profile,
                    "features": features,
                    "metadata": OWNER,
                }
            )
        return service.update(
            existing.id,
            {
                "default_return_url": return_url,
                "business_profile": profile,
                "features": updated,
            },
        )

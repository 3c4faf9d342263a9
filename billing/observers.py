"""Everybody who is told of the mirror's writes; importing this registers them."""

from billing import (
    cancellation_offers,
    failed_payments,
    held_discounts,
    purchase_grants,
    quote_differences,
    search_index,
    settlement,
    subscription_history,
)
from billing.price_changes import reconciling

__all__ = [
    "cancellation_offers",
    "failed_payments",
    "held_discounts",
    "purchase_grants",
    "quote_differences",
    "reconciling",
    "search_index",
    "settlement",
    "subscription_history",
]

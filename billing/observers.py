"""Everybody who is told of the mirror's writes; importing this registers them."""

from billing import (
    cancellation_offers,
    held_discounts,
    purchase_grants,
    quote_differences,
    settlement,
)
from billing.price_changes import reconciling

__all__ = [
    "cancellation_offers",
    "held_discounts",
    "purchase_grants",
    "quote_differences",
    "reconciling",
    "settlement",
]

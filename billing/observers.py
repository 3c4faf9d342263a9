"""Everybody who is told of the mirror's writes; importing this registers them."""

from billing import (
    cancellation_offers,
    purchase_grants,
    quote_differences,
    search_index,
    settlement,
    subscription_history,
)

__all__ = [
    "cancellation_offers",
    "purchase_grants",
    "quote_differences",
    "search_index",
    "settlement",
    "subscription_history",
]

"""Everybody who is told of the mirror's writes; importing this registers them."""

from billing import purchase_grants, quote_differences, settlement

__all__ = ["purchase_grants", "quote_differences", "settlement"]

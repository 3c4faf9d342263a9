"""Stripe's lists, whole: pages of 100, and nested lists beyond the ten that come inline."""

from __future__ import annotations

from typing import Any, TypeVar

import stripe

# Stripe's docs, "Pagination": 1 to 100 objects a page.
PAGE = 100

Object = TypeVar("Object", bound=stripe.StripeObject)


def complete(found: stripe.ListObject[Object]) -> None:
    """Puts every object into the list itself, following `has_more`; call it inside `translated`.

    The list's own `url` is asked, so that one function serves items, lines, tax IDs, payments.
    """
    while found.has_more and found.data:
        where: dict[str, Any] = {"limit": PAGE, "starting_after": found.data[-1]["id"]}
        further = found.list(**where)
        found.data = [*found.data, *further.data]
        found.has_more = further.has_more

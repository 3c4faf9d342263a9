"""A customer's balance: changed by staff. Negative is the customer's credit."""

from __future__ import annotations

import stripe

from billing.gateway.client import translated, v1
from billing.gateway.listing import PAGE


def adjust(
    customer_id: str,
    *,
    amount: int,
    currency: str,
    description: str,
    metadata: dict[str, str],
    idempotency_key: str,
) -> stripe.CustomerBalanceTransaction:
    """The change of the balance by `amount`, minor units; it counts for the next invoice."""
    with translated():
        return v1().customers.balance_transactions.create(
            customer_id,
            {
                "amount": amount,
                "currency": currency,
                "description": description,
                "metadata": metadata,
            },
            {"idempotency_key": idempotency_key},
        )


def made_for(customer_id: str, name: str, value: str) -> stripe.CustomerBalanceTransaction | None:
    """The newest change of the balance whose metadata has that value, of the last hundred."""
    with translated():
        found = v1().customers.balance_transactions.list(customer_id, {"limit": PAGE})
    return next(
        (
            each
            for each in found.data
            if each.metadata and each.metadata.to_dict().get(name) == value
        ),
        None,
    )

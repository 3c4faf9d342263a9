"""The customer's tax IDs."""

from __future__ import annotations

from typing import Any, get_args, get_type_hints

import stripe
from stripe.params import CustomerTaxIdCreateParams

from billing.gateway.client import translated, v1


def _literals(annotation: Any) -> tuple[str, ...]:
    found = [part for part in get_args(annotation) if get_args(part)]
    return tuple(str(value) for value in get_args(found[0]))


# Every type that the pinned version of the SDK knows, such as "eu_vat".
TYPES: tuple[str, ...] = _literals(get_type_hints(CustomerTaxIdCreateParams)["type"])


def create(customer_id: str, *, type: str, value: str, idempotency_key: str) -> stripe.TaxId:
    """The new tax ID; InvalidRequest when Stripe does not accept the number's form."""
    with translated():
        return v1().customers.tax_ids.create(
            customer_id, {"type": type, "value": value}, {"idempotency_key": idempotency_key}
        )


def delete(customer_id: str, tax_id: str) -> None:
    """Takes the tax ID off; GoneFromStripe when it is not there."""
    with translated():
        v1().customers.tax_ids.delete(customer_id, tax_id)

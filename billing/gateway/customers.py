"""Customers: created, and read with their tax IDs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import stripe

from billing.gateway.client import translated, under_key, v1
from billing.gateway.listing import PAGE, complete

if TYPE_CHECKING:
    from stripe.params import CustomerCreateParams, CustomerListParams, CustomerUpdateParams


def retrieve(customer_id: str) -> stripe.Customer:
    """The customer as it is now; a deleted one says so. GoneFromStripe when there is none."""
    with translated():
        return _whole(v1().customers.retrieve(customer_id, {"expand": ["tax_ids"]}))


def page(*, starting_after: str | None = None) -> stripe.ListObject[stripe.Customer]:
    """A page of all customers that are not deleted, newest first."""
    params: CustomerListParams = {"limit": PAGE, "expand": ["data.tax_ids"]}
    if starting_after:
        params["starting_after"] = starting_after
    with translated():
        found = v1().customers.list(params)
        for customer in found.data:
            _whole(customer)
    return found


def _whole(customer: stripe.Customer) -> stripe.Customer:
    # A deleted customer has no tax IDs to show.
    if "tax_ids" in customer and customer.tax_ids is not None:
        complete(customer.tax_ids)
    return customer


def create(*, account_id: str, idempotency_key: str) -> stripe.Customer:
    """A new customer that names our account; the same one again for the same key."""
    params: CustomerCreateParams = {"metadata": {"account_id": account_id}}

    def make(key: str) -> stripe.Customer:
        with translated():
            return v1().customers.create(params, {"idempotency_key": key})

    return under_key(make, idempotency_key)


def introduce(customer_id: str, *, name: str, email: str | None) -> stripe.Customer:
    """Gives a new customer a name and, where one is known, an address for its invoices."""
    params: CustomerUpdateParams = {"name": name}
    if email:
        params["email"] = email
    with translated():
        return v1().customers.update(customer_id, params)

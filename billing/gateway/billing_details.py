"""What invoices say about the customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypedDict

import stripe

from billing.gateway.client import translated, v1

if TYPE_CHECKING:
    from stripe.params import CustomerUpdateParams, CustomerUpdateParamsInvoiceSettings

ADDRESS_PARTS = ("line1", "line2", "city", "state", "postal_code", "country")


class Changes(TypedDict, total=False):
    """What to change; a key left out stays as it is, an empty text removes what was there."""

    name: str
    business_name: str
    email: str
    address: Mapping[str, str]
    custom_fields: Sequence[tuple[str, str]]
    footer: str


def update(customer_id: str, changes: Changes) -> stripe.Customer:
    """The customer with the changes; InvalidRequest names the parameter that was refused."""
    params: CustomerUpdateParams = {}
    if "name" in changes:
        params["name"] = changes["name"]
    if "business_name" in changes:
        params["business_name"] = changes["business_name"]
    if "email" in changes:
        params["email"] = changes["email"]
    if "address" in changes:
        address = changes["address"]
        # The address is replaced as a whole, so every part is sent.
        params["address"] = (
            {
                "line1": address.get("line1", ""),
                "line2": address.get("line2", ""),
                "city": address.get("city", ""),
                "state": address.get("state", ""),
                "postal_code": address.get("postal_code", ""),
                "country": address.get("country", ""),
            }
            if any(address.values())
            else ""
        )
    settings: CustomerUpdateParamsInvoiceSettings = {}
    if "custom_fields" in changes:
        fields = changes["custom_fields"]
        settings["custom_fields"] = (
            [{"name": name, "value": value} for name, value in fields] if fields else ""
        )
    if "footer" in changes:
        settings["footer"] = changes["footer"]
    if settings:
        params["invoice_settings"] = settings
    with translated():
        return v1().customers.update(customer_id, params)

"""Tax rates, inclusive or exclusive."""

from __future__ import annotations

from typing import Any

from sandbox import events
from sandbox.protocol import ApiError, assign, endpoint, lists, merge_metadata
from sandbox.schema import blank
from sandbox.store import new_id, store

PLAIN = (
    *("active", "country", "description", "display_name", "jurisdiction", "state", "tax_type"),
)


@endpoint("POST", "/v1/tax_rates", params="TaxRateCreateParams")
def create(params: dict[str, Any]) -> dict[str, Any]:
    percentage = params["percentage"]
    if not 0 <= percentage <= 100:
        raise ApiError(400, "Invalid percentage: must be between 0 and 100.", param="percentage")
    tax_rate = blank(
        "tax_rate",
        id=new_id("txr"),
        active=True,
        effective_percentage=percentage,
        inclusive=params["inclusive"],
        metadata={},
        percentage=percentage,
        rate_type="percentage",
    )
    assign(tax_rate, params, *PLAIN)
    merge_metadata(tax_rate, params)
    store.insert("tax_rate", tax_rate)
    events.emit("tax_rate.created", tax_rate)
    return tax_rate


@endpoint("GET", "/v1/tax_rates", params="TaxRateListParams")
def listed(params: dict[str, Any]) -> dict[str, Any]:
    where = {"active": params.get("active"), "inclusive": params.get("inclusive")}
    return lists("tax_rate", params, where=where)


@endpoint("GET", "/v1/tax_rates/<id>", params="TaxRateRetrieveParams")
def retrieve(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return store.get("tax_rate", id)


@endpoint("POST", "/v1/tax_rates/<id>", params="TaxRateUpdateParams")
def update(id: str, params: dict[str, Any]) -> dict[str, Any]:
    before, tax_rate = store.get("tax_rate", id), store.get("tax_rate", id)
    assign(tax_rate, params, *PLAIN)
    merge_metadata(tax_rate, params)
    return events.changed("tax_rate.updated", tax_rate, before)

"""Customers."""

from __future__ import annotations

from typing import Any

from sandbox.protocol import endpoint, lists
from sandbox.store import new_id, store
from sandbox.schema import blank


@endpoint("POST", "/v1/customers", params="CustomerCreateParams")
def create(params: dict[str, Any]) -> dict[str, Any]:
    return store.insert(
        "customer", blank("customer", id=new_id("cus", 14), email=params.get("email"))
    )


@endpoint("GET", "/v1/customers", params="CustomerListParams")
def listed(params: dict[str, Any]) -> dict[str, Any]:
    return lists("customer", params, where={"email": params.get("email")})


@endpoint("GET", "/v1/customers/<id>", params="CustomerRetrieveParams")
def retrieve(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return store.retrieve("customer", id)

"""Charges: what payment intents took or failed to take. They are read here, not made."""

from __future__ import annotations

from typing import Any

from sandbox import events
from sandbox.protocol import assign, endpoint, lists, merge_metadata, sublist
from sandbox.store import store


@sublist("charge", "refunds")
def refunds_of(charge: dict[str, Any]) -> list[dict[str, Any]]:
    """The charge's refunds, newest first."""
    return store.all("refund", charge=charge["id"])[::-1]


@endpoint("GET", "/v1/charges", params="ChargeListParams")
def listed(params: dict[str, Any]) -> dict[str, Any]:
    where = {name: params.get(name) for name in ("customer", "payment_intent")}
    return lists("charge", params, where=where)


@endpoint("GET", "/v1/charges/<id>", params="ChargeRetrieveParams")
def retrieve(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return store.get("charge", id)


@endpoint("POST", "/v1/charges/<id>", params="ChargeUpdateParams")
def update(id: str, params: dict[str, Any]) -> dict[str, Any]:
    before, charge = store.get("charge", id), store.get("charge", id)
    assign(charge, params, "description", "receipt_email")
    merge_metadata(charge, params)
    return events.changed("charge.updated", charge, before)

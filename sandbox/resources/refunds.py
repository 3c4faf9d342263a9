"""Refunds of charges."""

from __future__ import annotations

from typing import Any

from sandbox import events
from sandbox.engine.refunding import refund
from sandbox.protocol import ApiError, endpoint, lists, merge_metadata
from sandbox.store import store


@endpoint("POST", "/v1/refunds", params="RefundCreateParams")
def create(params: dict[str, Any]) -> dict[str, Any]:
    made = refund(_charge(params), params.get("amount"), params.get("reason"))
    merge_metadata(made, params)
    return store.save(made)


def _charge(params: dict[str, Any]) -> dict[str, Any]:
    if params.get("charge"):
        return store.need("charge", params["charge"], "charge")
    if not params.get("payment_intent"):
        raise ApiError(
            400,
            "One of the following params should be provided for this request: payment_intent or "
            "charge.",
            code="parameter_missing",
        )
    intent = store.need("payment_intent", params["payment_intent"], "payment_intent")
    if not intent["latest_charge"]:
        raise ApiError(
            400,
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
            param="payment_intent",
        )
    return store.get("charge", intent["latest_charge"])


@endpoint("GET", "/v1/refunds", params="RefundListParams")
def listed(params: dict[str, Any]) -> dict[str, Any]:
    where = {name: params.get(name) for name in ("charge", "payment_intent")}
    return lists("refund", params, where=where)


@endpoint("GET", "/v1/refunds/<id>", params="RefundRetrieveParams")
def retrieve(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return store.get("refund", id)


@endpoint("POST", "/v1/refunds/<id>", params="RefundUpdateParams")
def update(id: str, params: dict[str, Any]) -> dict[str, Any]:
    before, made = store.get("refund", id), store.get("refund", id)
    merge_metadata(made, params)
    return events.changed("refund.updated", made, before)

"""Refunds of charges."""

from __future__ import annotations

from typing import Any

from sandbox import events
from sandbox.engine import refunding
from sandbox.protocol import ApiError, endpoint, lists, merge_metadata
from sandbox.store import store

# What belongs to Connect, cash balances and payment methods without refunds of their own.
NOT_COVERED = (
    "currency", "customer", "instructions_email", "origin", "refund_application_fee",
    "reverse_transfer",
)  # fmt: skip


@endpoint("POST", "/v1/refunds", params="RefundCreateParams")
def create(params: dict[str, Any]) -> dict[str, Any]:
    for name in NOT_COVERED:
        if params.get(name):
            raise ApiError(400, f"The sandbox does not cover `{name}`.", param=name)
    charge, metadata = _charge(params), dict(params.get("metadata") or {})
    return refunding.refund(charge, params.get("amount"), params.get("reason"), metadata=metadata)


def _charge(params: dict[str, Any]) -> dict[str, Any]:
    if params.get("charge") and not params.get("payment_intent"):
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
    charge = store.get("charge", intent["latest_charge"])
    if params.get("charge") not in (None, charge["id"]):
        raise ApiError(
            400,
            "The `charge` you provided does not belong to the PaymentIntent.",
            param="payment_intent",
        )
    return charge


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
    events.changed("charge.refund.updated", made, before)
    return events.changed("refund.updated", made, before)


@endpoint("POST", "/v1/refunds/<id>/cancel", params="RefundCancelParams")
def cancel(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return refunding.cancel(store.get("refund", id))

"""Checkout Sessions."""

from __future__ import annotations

from typing import Any

from sandbox import clock
from sandbox.checkout import lines, sums
from sandbox.checkout import session as sessions
from sandbox.engine.time import run_due
from sandbox.pages.merchant import merchant_name
from sandbox.protocol import ApiError, endpoint, lists, merge_metadata, page_of, sublist
from sandbox.store import dig, store

KIND = sessions.KIND


@sublist(KIND, "line_items", url="/v1/checkout/sessions/{id}/line_items")
def _line_items(session: dict[str, Any]) -> list[dict[str, Any]]:
    return lines.of(session)


@endpoint("POST", "/v1/checkout/sessions", params="checkout.SessionCreateParams")
def create(params: dict[str, Any]) -> dict[str, Any]:
    if params.get("customer"):
        store.need("customer", params["customer"], "customer")
    return sessions.start(params, merchant_name())


@endpoint("GET", "/v1/checkout/sessions", params="checkout.SessionListParams")
def listed(params: dict[str, Any]) -> dict[str, Any]:
    run_due(clock.now())
    email = dig(params, "customer_details.email")
    fields = ("customer", "payment_intent", "status", "subscription", "payment_link")
    where = {name: params.get(name) for name in fields}
    if email is not None:
        where["customer_details.email"] = email
    return lists(KIND, params, where=where)


@endpoint("GET", "/v1/checkout/sessions/<id>", params="checkout.SessionRetrieveParams")
def retrieve(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return sessions.current(id)


@endpoint(
    "GET", "/v1/checkout/sessions/<id>/line_items", params="checkout.SessionListLineItemsParams"
)
def line_items(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return page_of(lines.of(store.get(KIND, id)), params)


@endpoint("POST", "/v1/checkout/sessions/<id>", params="checkout.SessionUpdateParams")
def update(id: str, params: dict[str, Any]) -> dict[str, Any]:
    session = sessions.current(id)
    if set(params) - {"metadata"}:
        _must_be_open(session, "updated")
    merge_metadata(session, params)
    if params.get("payment_intent_data"):
        session["_payment_intent_data"] |= params["payment_intent_data"]
    if "collected_information" in params:
        shipping = params["collected_information"].get("shipping_details")
        session["collected_information"] = {
            "business_name": None,
            "individual_name": None,
            "shipping_details": shipping,
        }
    if "line_items" in params:
        lines.replace(session, params["line_items"])
        sums.fill(session)
    return store.save(session)


@endpoint("POST", "/v1/checkout/sessions/<id>/expire", params="checkout.SessionExpireParams")
def expire(id: str, params: dict[str, Any]) -> dict[str, Any]:
    session = sessions.current(id)
    _must_be_open(session, "expired")
    return sessions.close(session, "expired")


def _must_be_open(session: dict[str, Any], what: str) -> None:
    if session["status"] != "open":
        raise ApiError(
            400,
            f'Only Checkout Sessions with a status in ["open"] can be {what}. This Checkout '
            f"Session has a status of `{session['status']}`.",
        )

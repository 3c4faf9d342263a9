"""Subscriptions."""

from __future__ import annotations

from typing import Any

from sandbox.engine import changing, ending, items, pausing, subscribing
from sandbox.protocol import ApiError, endpoint, lists
from sandbox.store import store


@endpoint("POST", "/v1/subscriptions", params="SubscriptionCreateParams")
def create(params: dict[str, Any]) -> dict[str, Any]:
    if not params.get("customer"):
        raise ApiError(
            400, "Missing required param: customer.", code="parameter_missing", param="customer"
        )
    return subscribing.create(store.need("customer", params["customer"], "customer"), params)


@endpoint("GET", "/v1/subscriptions", params="SubscriptionListParams")
def listed(params: dict[str, Any]) -> dict[str, Any]:
    status = params.get("status")
    price = params.get("price") or params.get("plan")

    def wanted(doc: dict[str, Any]) -> bool:
        if status == "ended":
            if doc["status"] not in ending.ENDED:
                return False
        elif status is None:
            if doc["status"] in ("canceled", "incomplete_expired"):
                return False
        elif status not in ("all", doc["status"]):
            return False
        for name in ("customer", "collection_method"):
            if params.get(name) not in (None, doc[name]):
                return False
        if price is None and not _periods(params):
            return True
        entries = items.of(doc)
        if price and all(item["price"]["id"] != price for item in entries):
            return False
        return all(_within(entries, name, bounds) for name, bounds in _periods(params).items())

    return lists("subscription", params, where=wanted)


def _periods(params: dict[str, Any]) -> dict[str, Any]:
    names = ("current_period_start", "current_period_end")
    return {name: params[name] for name in names if name in params}


def _within(entries: list[dict[str, Any]], name: str, bounds: Any) -> bool:
    if isinstance(bounds, int):
        return any(item[name] == bounds for item in entries)
    checks = {
        "gt": lambda value, bound: value > bound,
        "gte": lambda value, bound: value >= bound,
        "lt": lambda value, bound: value < bound,
        "lte": lambda value, bound: value <= bound,
    }
    return any(
        all(checks[key](item[name], bound) for key, bound in bounds.items()) for item in entries
    )


@endpoint("GET", "/v1/subscriptions/<id>", params="SubscriptionRetrieveParams")
def retrieve(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return store.get("subscription", id)


@endpoint("POST", "/v1/subscriptions/<id>", params="SubscriptionUpdateParams")
def update(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return changing.update(store.get("subscription", id), params)


@endpoint("DELETE", "/v1/subscriptions/<id>", params="SubscriptionCancelParams")
def cancel(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return ending.cancel(store.get("subscription", id), params)


@endpoint("POST", "/v1/subscriptions/<id>/pause", params="SubscriptionPauseParams")
def pause(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return pausing.pause(store.get("subscription", id), params)


@endpoint("POST", "/v1/subscriptions/<id>/resume", params="SubscriptionResumeParams")
def resume(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return pausing.resume(store.get("subscription", id), params)

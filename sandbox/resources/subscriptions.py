"""Subscriptions."""

from __future__ import annotations

from typing import Any

from sandbox import clock
from sandbox.engine import changing, ending, items, pausing, renewing, subscribing
from sandbox.engine.time import run_due
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
        for name in ("customer", "collection_method", "test_clock"):
            if params.get(name) not in (None, doc[name]):
                return False
        if not (params.get("customer") or params.get("test_clock")) and doc["test_clock"]:
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


def current(id: str, status: int = 404) -> dict[str, Any]:
    """The subscription, with a renewal that is due by now played before anything else is done."""
    get = store.get if status == 404 else store.need
    subscription = get("subscription", id, "id" if status == 404 else "subscription")
    if renewing.running(subscription) and renewing.due_at(subscription) <= clock.now():
        run_due(clock.now())
    return get("subscription", id, "subscription")


@endpoint("POST", "/v1/subscriptions/<id>", params="SubscriptionUpdateParams")
def update(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return changing.update(current(id), params)


@endpoint("DELETE", "/v1/subscriptions/<id>", params="SubscriptionCancelParams")
def cancel(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return ending.cancel(store.get("subscription", id), params)


@endpoint("POST", "/v1/subscriptions/<id>/pause", params="SubscriptionPauseParams")
def pause(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return pausing.pause(store.get("subscription", id), params)


@endpoint("POST", "/v1/subscriptions/<id>/resume", params="SubscriptionResumeParams")
def resume(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return pausing.resume(store.get("subscription", id), params)


@endpoint("DELETE", "/v1/subscriptions/<id>/discount", params="SubscriptionDeleteDiscountParams")
def delete_discount(id: str, params: dict[str, Any]) -> dict[str, Any]:
    subscription = store.get("subscription", id)
    if not subscription["discounts"]:
        raise ApiError(404, f"No active discount for subscription: {id}", code="resource_missing")
    gone = subscription["discounts"][0]
    changing.update(subscription, {"discounts": ""})
    return {**store.get("discount", gone), "deleted": True}

"""Subscription schedules."""

from __future__ import annotations

from typing import Any

from sandbox.engine import schedules
from sandbox.protocol import endpoint, lists
from sandbox.store import store

KIND = "subscription_schedule"
ROOT = "/v1/subscription_schedules"


@endpoint("POST", ROOT, params="SubscriptionScheduleCreateParams")
def create(params: dict[str, Any]) -> dict[str, Any]:
    return schedules.create(params)


@endpoint("GET", ROOT, params="SubscriptionScheduleListParams")
def listed(params: dict[str, Any]) -> dict[str, Any]:
    names = ("canceled_at", "completed_at", "released_at", "customer")
    where = {name: params.get(name) for name in names}
    if params.get("scheduled"):
        where["status"] = "not_started"
    return lists(KIND, params, where=where)


@endpoint("GET", f"{ROOT}/<id>", params="SubscriptionScheduleRetrieveParams")
def retrieve(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return store.get(KIND, id)


@endpoint("POST", f"{ROOT}/<id>", params="SubscriptionScheduleUpdateParams")
def update(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return schedules.update(store.get(KIND, id), params)


@endpoint("POST", f"{ROOT}/<id>/cancel", params="SubscriptionScheduleCancelParams")
def cancel(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return schedules.cancel(store.get(KIND, id), params)


@endpoint("POST", f"{ROOT}/<id>/release", params="SubscriptionScheduleReleaseParams")
def release(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return schedules.release(store.get(KIND, id), params)

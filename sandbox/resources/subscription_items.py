"""Subscription items, each change of them an update of their subscription."""

from __future__ import annotations

from typing import Any

from sandbox.engine import changing, items
from sandbox.protocol import endpoint, page_of
from sandbox.resources.subscriptions import current
from sandbox.store import store

OF_UPDATE = ("off_session", "payment_behavior", "proration_behavior", "proration_date")


def _split(params: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What concerns the item, and what concerns the update of the subscription."""
    shared = {name: params[name] for name in OF_UPDATE if name in params}
    own = {
        name: value
        for name, value in params.items()
        if name not in OF_UPDATE and name not in ("subscription", "expand", "clear_usage")
    }
    return own, shared


@endpoint("POST", "/v1/subscription_items", params="SubscriptionItemCreateParams")
def create(params: dict[str, Any]) -> dict[str, Any]:
    subscription = current(params["subscription"], 400)
    known = {item["id"] for item in items.of(subscription)}
    own, shared = _split(params)
    changing.update(subscription, {"items": [own], **shared})
    return next(item for item in items.of(subscription) if item["id"] not in known)


@endpoint("GET", "/v1/subscription_items", params="SubscriptionItemListParams")
def listed(params: dict[str, Any]) -> dict[str, Any]:
    subscription = store.need("subscription", params["subscription"], "subscription")
    return page_of(items.of(subscription), params)


@endpoint("GET", "/v1/subscription_items/<id>", params="SubscriptionItemRetrieveParams")
def retrieve(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return store.get("subscription_item", id, "item")


@endpoint("POST", "/v1/subscription_items/<id>", params="SubscriptionItemUpdateParams")
def update(id: str, params: dict[str, Any]) -> dict[str, Any]:
    item = store.get("subscription_item", id, "item")
    own, shared = _split(params)
    changing.update(current(item["subscription"]), {"items": [{"id": id, **own}], **shared})
    return store.get("subscription_item", id)


@endpoint("DELETE", "/v1/subscription_items/<id>", params="SubscriptionItemDeleteParams")
def delete(id: str, params: dict[str, Any]) -> dict[str, Any]:
    item = store.get("subscription_item", id, "item")
    _, shared = _split(params)
    changing.update(
        current(item["subscription"]),
        {"items": [{"id": id, "deleted": True}], **shared},
    )
    return {"id": id, "object": "subscription_item", "deleted": True}

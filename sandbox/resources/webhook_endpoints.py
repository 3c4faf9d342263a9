"""Webhook endpoints: where events go. The signing secret is shown once, at creation."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from sandbox import events
from sandbox.protocol import ApiError, assign, endpoint, lists, merge_metadata
from sandbox.schema import blank
from sandbox.store import new_id, random_text, store

MAX_ENDPOINTS = 16


@endpoint("POST", "/v1/webhook_endpoints", params="WebhookEndpointCreateParams")
def create(params: dict[str, Any]) -> dict[str, Any]:
    version = params.get("api_version")
    if version not in (None, events.API_VERSION):
        raise ApiError(
            400,
            f"The sandbox renders events at API version {events.API_VERSION} only.",
            param="api_version",
        )
    if store.count("webhook_endpoint") >= MAX_ENDPOINTS:
        raise ApiError(400, f"You have reached the maximum of {MAX_ENDPOINTS} webhook endpoints.")
    one = blank(
        "webhook_endpoint",
        id=new_id("we"),
        api_version=version,
        description=params.get("description") or None,
        enabled_events=_enabled_events(params["enabled_events"]),
        status="enabled",
        url=_url(params["url"]),
        _secret=f"whsec_{random_text(32)}",
    )
    merge_metadata(one, params)
    store.insert("webhook_endpoint", one)
    return one | {"secret": one["_secret"]}


@endpoint("GET", "/v1/webhook_endpoints", params="WebhookEndpointListParams")
def listed(params: dict[str, Any]) -> dict[str, Any]:
    return lists("webhook_endpoint", params)


@endpoint("GET", "/v1/webhook_endpoints/<id>", params="WebhookEndpointRetrieveParams")
def retrieve(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return store.get("webhook_endpoint", id)


@endpoint("POST", "/v1/webhook_endpoints/<id>", params="WebhookEndpointUpdateParams")
def update(id: str, params: dict[str, Any]) -> dict[str, Any]:
    one = store.get("webhook_endpoint", id)
    assign(one, params, "description")
    merge_metadata(one, params)
    if "enabled_events" in params:
        one["enabled_events"] = _enabled_events(params["enabled_events"])
    if "url" in params:
        one["url"] = _url(params["url"])
    if "disabled" in params:
        one["status"] = "disabled" if params["disabled"] else "enabled"
    return store.save(one)


@endpoint("DELETE", "/v1/webhook_endpoints/<id>", params="WebhookEndpointDeleteParams")
def delete(id: str, params: dict[str, Any]) -> dict[str, Any]:
    store.delete(store.get("webhook_endpoint", id))
    return {"id": id, "object": "webhook_endpoint", "deleted": True}


def _enabled_events(given: list[str]) -> list[str]:
    if not given:
        raise ApiError(
            400,
            "You must specify at least one event type.",
            code="parameter_invalid_empty",
            param="enabled_events",
        )
    return given


def _url(given: str) -> str:
    parts = urlsplit(given)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ApiError(
            400,
            "Invalid URL: An explicit scheme (such as https) must be provided.",
            code="url_invalid",
            param="url",
        )
    return given

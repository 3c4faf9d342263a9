"""The events of the account; Stripe keeps them for 30 days, the sandbox for good."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from sandbox.protocol import ApiError, endpoint, lists
from sandbox.store import store

MAX_TYPES = 20


@endpoint("GET", "/v1/events", params="EventListParams")
def listed(params: dict[str, Any]) -> dict[str, Any]:
    types = params.get("types") or []
    if types and "type" in params:
        raise ApiError(
            400,
            "You may only specify one of these parameters: type, types.",
            code="parameters_exclusive",
            param="types",
        )
    if len(types) > MAX_TYPES:
        raise ApiError(400, f"You can only specify up to {MAX_TYPES} types.", param="types")
    types = types or ([params["type"]] if "type" in params else [])
    grouped = any("*" in one for one in types)
    where: dict[str, Any] = {"type": types or None}
    if grouped:
        where["type"] = lambda event: any(fnmatchcase(event["type"], one) for one in types)
    if "delivery_success" in params:
        where["pending"] = lambda event: (
            (event["pending_webhooks"] == 0) is params["delivery_success"]
        )
    return lists("event", params, where=where)


@endpoint("GET", "/v1/events/<id>", params="EventRetrieveParams")
def retrieve(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return store.get("event", id)

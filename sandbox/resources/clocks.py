"""Test clocks: customers whose time is moved apart from everybody else's."""

from __future__ import annotations

from typing import Any

from sandbox import advancing
from sandbox.engine import clocks
from sandbox.protocol import endpoint, lists
from sandbox.protocol.timing import KIND
from sandbox.store import store


@endpoint("POST", "/v1/test_helpers/test_clocks", params="test_helpers.TestClockCreateParams")
def create(params: dict[str, Any]) -> dict[str, Any]:
    test_clock = clocks.create(params["frozen_time"], params.get("name") or None)
    if params.get("customer"):
        clocks.adopt(test_clock, store.need("customer", params["customer"], "customer"))
    return test_clock


@endpoint("GET", "/v1/test_helpers/test_clocks", params="test_helpers.TestClockListParams")
def listed(params: dict[str, Any]) -> dict[str, Any]:
    return lists(KIND, params)


@endpoint("GET", "/v1/test_helpers/test_clocks/<id>", params="test_helpers.TestClockRetrieveParams")
def retrieve(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return store.get(KIND, id)


@endpoint(
    "POST",
    "/v1/test_helpers/test_clocks/<id>/advance",
    params="test_helpers.TestClockAdvanceParams",
)
def advance(id: str, params: dict[str, Any]) -> dict[str, Any]:
    """Answers at once where the sandbox is a server: the clock is `ready` when all is played."""
    store.get(KIND, id)
    advancing.begin(id, params["frozen_time"])
    return store.get(KIND, id)


@endpoint(
    "DELETE", "/v1/test_helpers/test_clocks/<id>", params="test_helpers.TestClockDeleteParams"
)
def delete(id: str, params: dict[str, Any]) -> dict[str, Any]:
    test_clock = store.get(KIND, id)
    advancing.forget(id)
    return clocks.delete(test_clock)

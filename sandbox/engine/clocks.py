"""Test clocks: what belongs to one, how far it may be advanced, and its end.

Source: Stripe's "API and advanced usage" of test clocks.
"""

from sandbox import clock
from sandbox.engine import ending, items
from sandbox.engine.calendar import boundary
from sandbox.errors import ApiError
from sandbox.events import emit
from sandbox.protocol.routing import handler
from sandbox.protocol.timing import KIND, of_clock
from sandbox.schema import blank
from sandbox.store import new_id, store

DAY = 86_400
# Shown in `deletes_after`; the sandbox keeps a clock until somebody deletes it.
KEPT_FOR = 30 * DAY


def create(frozen_time: int, name: str | None = None) -> dict:
    """A new test clock that stands at `frozen_time` (unix seconds)."""
    test_clock = blank(
        KIND,
        id=new_id("clock"),
        deletes_after=clock.now() + KEPT_FOR,
        frozen_time=frozen_time,
        name=name,
        status="ready",
        status_details={},
    )
    store.insert(KIND, test_clock)
    emit("test_helpers.test_clock.created", test_clock)
    return test_clock


def adopt(test_clock: dict, customer: dict) -> None:
    """Put a customer, and everything that is theirs, on the clock for good.

    ApiError 400 when they are on one already.
    """
    if customer["test_clock"]:
        raise ApiError(
            400,
            f"The customer {customer['id']} is attached to a test clock already: "
            f"{customer['test_clock']}.",
            param="customer",
        )
    store.move_to_clock(test_clock["id"], _owned(customer))


def _owned(customer: dict) -> list[tuple[str, str]]:
    """Kind and id of the customer and what hangs on them; events stay what they were."""
    found = {("customer", customer["id"]): None}
    for kind, id in store.named_by("customer", customer["id"]):
        found[kind, id] = None
        if kind in ("subscription", "invoice"):
            found |= dict.fromkeys(store.named_by(kind, id))
    return list(found)


def furthest(test_clock: dict) -> int:
    """How far the clock may be advanced at once, in unix seconds: two intervals of the shortest
    subscription on it, two years without one."""
    now = test_clock["frozen_time"]
    intervals = [
        items.interval(item)
        for subscription in store.on_clock("subscription", test_clock["id"])
        if subscription["status"] not in ending.ENDED
        for item in items.of(subscription)
    ]
    return min(boundary(now, *one, 2) for one in intervals or [("year", 1)])


def check_target(test_clock: dict, target: int) -> None:
    """ApiError 400 when the clock cannot be advanced to `target` (unix seconds)."""
    if test_clock["status"] == "internal_failure":
        raise ApiError(
            400,
            "This test clock stopped with an internal failure and cannot be advanced. Delete it "
            "and start over with a new one.",
        )
    if target <= test_clock["frozen_time"]:
        raise ApiError(
            400,
            "The new frozen time must be after the test clock's current frozen time: it is at "
            f"{test_clock['frozen_time']} and only moves forward.",
            param="frozen_time",
        )
    most = furthest(test_clock)
    if target > most:
        raise ApiError(
            400,
            "A test clock cannot be advanced by more than two intervals of the shortest "
            "subscription on it at once, or by more than two years without one. The furthest it "
            f"can go now is {most}.",
            param="frozen_time",
        )


def delete(test_clock: dict) -> dict:
    """The deleted clock. Its customers are deleted first, which ends their subscriptions, then
    everything else that is on it; what happened stays told in the events."""
    with of_clock(test_clock["id"]):
        for customer in store.on_clock("customer", test_clock["id"]):
            handler("DELETE", "/v1/customers/<id>")(id=customer["id"], params={})
    store.clear_clock(test_clock["id"])
    store.delete(test_clock)
    emit("test_helpers.test_clock.deleted", test_clock)
    return {"id": test_clock["id"], "object": KIND, "deleted": True}

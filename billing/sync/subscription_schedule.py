"""A subscription schedule's JSON as columns."""

from __future__ import annotations

from billing.sync.fields import Data, References, id_of


def columns(data: Data) -> Data:
    return {
        "customer_id": id_of(data["customer"]),
        # Null once it is released; `released_subscription` says which it was.
        "subscription_id": id_of(data.get("subscription")),
        "status": data["status"],
        "end_behavior": data["end_behavior"],
        "phases": data["phases"],
    }


def refers_to(data: Data) -> References:
    return [
        ("customer", id_of(data["customer"])),
        ("subscription", id_of(data.get("subscription"))),
        *(("price", id_of(item["price"])) for phase in data["phases"] for item in phase["items"]),
    ]

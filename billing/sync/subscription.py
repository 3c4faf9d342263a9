"""A subscription's JSON as columns, and its items'."""

from __future__ import annotations

from billing.clock import from_unix
from billing.sync.fields import Data, References, id_of


def columns(data: Data) -> Data:
    # Billing periods live on the items; the one that ends first is the next charge.
    items: list[Data] = data["items"]["data"]
    first: Data = min(items, key=lambda item: item["current_period_end"], default={})
    return {
        "customer_id": id_of(data["customer"]),
        "status": data["status"],
        "currency": data["currency"],
        "collection_method": data["collection_method"],
        "current_period_start": from_unix(first.get("current_period_start")),
        "current_period_end": from_unix(first.get("current_period_end")),
        "start_date": from_unix(data.get("start_date")),
        "trial_start": from_unix(data.get("trial_start")),
        "trial_end": from_unix(data.get("trial_end")),
        "cancel_at": from_unix(data.get("cancel_at")),
        "cancel_at_period_end": data["cancel_at_period_end"],
        "canceled_at": from_unix(data.get("canceled_at")),
        "ended_at": from_unix(data.get("ended_at")),
        "cancellation_feedback": (data.get("cancellation_details") or {}).get("feedback"),
        "default_payment_method_id": id_of(data.get("default_payment_method")),
        "schedule_id": id_of(data.get("schedule")),
        "latest_invoice_id": id_of(data.get("latest_invoice")),
        "pause_collection": data.get("pause_collection"),
    }


def item_columns(item: Data) -> Data:
    return {
        "price_id": item["price"]["id"],
        "quantity": item.get("quantity"),
        "current_period_start": from_unix(item["current_period_start"]),
        "current_period_end": from_unix(item["current_period_end"]),
    }


def refers_to(data: Data) -> References:
    return [
        ("customer", id_of(data["customer"])),
        *(("price", item["price"]["id"]) for item in data["items"]["data"]),
        ("subscription_schedule", id_of(data.get("schedule"))),
        ("payment_method", id_of(data.get("default_payment_method"))),
        ("invoice", id_of(data.get("latest_invoice"))),
    ]

"""What the Billing Portal's home page shows of a customer."""

from __future__ import annotations

from typing import Any

from sandbox.engine import items
from sandbox.engine.wording import money
from sandbox.pages import portal_session, wording
from sandbox.pages.invoice_view import address_lines
from sandbox.store import store

LIVE = frozenset({"active", "trialing", "past_due", "unpaid", "paused", "incomplete"})
INVOICES_SHOWN = 12


def of(session: dict[str, Any]) -> dict[str, Any]:
    """Subscriptions, payment methods, invoices and details, as text."""
    customer = portal_session.customer(session)
    owned = store.all("subscription", customer=customer["id"])
    methods = store.all("payment_method", customer=customer["id"])
    invoices = store.all("invoice", customer=customer["id"])
    default = customer["invoice_settings"]["default_payment_method"]
    return {
        "subscriptions": [subscription(one) for one in reversed(owned) if one["status"] in LIVE],
        "methods": [
            {"method": method, "default": method["id"] == default} for method in reversed(methods)
        ],
        "invoices": [
            _invoice(one) for one in reversed(invoices) if one["status"] not in ("draft", None)
        ][:INVOICES_SHOWN],
        "details": _details(customer),
    }


def subscription(doc: dict[str, Any]) -> dict[str, Any]:
    """One subscription: name, price, what comes next, what can be done."""
    entries = items.of(doc)
    names = [items.product_name(item["price"]) for item in entries]
    total = sum(items.amount(item, doc["currency"]) for item in entries)
    recurring = entries[0]["price"]["recurring"]
    return {
        "id": doc["id"],
        "name": ", ".join(names),
        "price": f"{money(total, doc['currency'])} {wording.every(recurring)}",
        "quantity": entries[0]["quantity"] if len(entries) == 1 else None,
        "status": doc["status"],
        "next": next_step(doc, entries),
        "ends": bool(doc["cancel_at"]),
        "paused": doc["status"] == "paused",
        "scheduled": bool(doc["schedule"]),
        "editable": len(entries) == 1 and doc["status"] in ("active", "trialing"),
        "cancelable": not doc["cancel_at"] and not doc["schedule"],
    }


def next_step(doc: dict[str, Any], entries: list[dict[str, Any]]) -> str:
    """The sentence on what happens next, and when."""
    ends = wording.day(max(item["current_period_end"] for item in entries))
    if doc["cancel_at"]:
        return f"Ends on {wording.day(doc['cancel_at'])}."
    if doc["status"] == "paused":
        return "Paused. Nothing is charged until you resume."
    if doc["status"] == "trialing":
        return f"The trial ends on {wording.day(doc['trial_end'])}."
    if doc["status"] in ("past_due", "unpaid"):
        return "The last payment failed."
    if doc["status"] == "incomplete":
        return "Waits for its first payment."
    return f"Renews on {ends}."


def _invoice(doc: dict[str, Any]) -> dict[str, Any]:
    return {
        "number": doc["number"] or doc["id"],
        "day": wording.day(doc["created"]),
        "total": money(doc["total"], doc["currency"]),
        "status": doc["status"],
        "url": doc["hosted_invoice_url"],
    }


def _details(customer: dict[str, Any]) -> list[tuple[str, str]]:
    found = [
        ("Name", customer["name"]),
        ("E-mail", customer["email"]),
        ("Address", ", ".join(address_lines(customer["address"]))),
        ("Phone", customer["phone"]),
    ]
    for tax_id in store.all("tax_id", customer=customer["id"]):
        found.append((tax_id["type"].replace("_", " ").upper(), tax_id["value"]))
    return [(name, value) for name, value in found if value]

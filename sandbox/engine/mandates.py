"""Mandates: what a customer agreed to when they gave a bank account to be debited."""

from sandbox import clock
from sandbox.pages.urls import base_url
from sandbox.schema import blank
from sandbox.store import new_id, random_text, store


def of(payment_method: dict) -> dict:
    """The bank account's mandate, given with its first use; it stays the same afterwards."""
    found = store.all("mandate", payment_method=payment_method["id"])
    if found:
        return found[0]
    kind = payment_method["type"]
    id = new_id("mandate")
    details: dict = {}
    if kind == "sepa_debit":
        # Stripe's page shows the mandate's text; here the object stands for it.
        details = {
            "reference": random_text(16).upper(),
            "url": f"{base_url()}/objects/mandate/{id}",
        }
    mandate = blank(
        "mandate",
        id=id,
        customer_acceptance={
            "accepted_at": clock.now(),
            "online": {"ip_address": "127.0.0.1", "user_agent": "Sandbox"},
            "type": "online",
        },
        multi_use={"amount": None, "currency": None},
        payment_method=payment_method["id"],
        payment_method_details={kind: details, "type": kind},
        status="active",
        type="multi_use",
    )
    return store.insert("mandate", mandate)

"""Customers: who pays, where invoices go, and what they owe or are owed."""

from __future__ import annotations

import re
from typing import Any

from sandbox import events
from sandbox.cards import resolve
from sandbox.engine import saving
from sandbox.protocol import (
    ApiError,
    assign,
    computed,
    endpoint,
    handler,
    lists,
    merge_metadata,
    merged,
    sublist,
    timing,
)
from sandbox.resources import customer_balance_transactions, tax_ids
from sandbox.schema import blank, part
from sandbox.store import new_id, random_text, store

PLAIN = (
    *("business_name", "description", "email", "individual_name", "invoice_prefix", "name"),
    *("next_invoice_sequence", "phone", "preferred_locales", "tax_exempt"),
)
NOT_COVERED = ("cash_balance", "source", "default_source")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
ENDED = frozenset({"canceled", "incomplete_expired"})


@endpoint("POST", "/v1/customers", params="CustomerCreateParams")
def create(params: dict[str, Any]) -> dict[str, Any]:
    if params.get("test_clock"):
        # The request is on that clock already, so the customer belongs to it.
        store.need(timing.KIND, params["test_clock"], "test_clock")
    customer = blank(
        "customer",
        id=new_id("cus", 14),
        balance=0,
        delinquent=False,
        invoice_prefix=random_text(8).upper(),
        invoice_settings=part("customer", "invoice_settings"),
        metadata={},
        next_invoice_sequence=1,
        preferred_locales=[],
        tax_exempt="none",
    )
    _apply(customer, params | {"invoice_settings": {}})
    store.insert("customer", customer)
    settings = dict(params.get("invoice_settings", {}))
    if "payment_method" in params:
        method = saving.attach(resolve(params["payment_method"], "payment_method"), customer["id"])
        # A test token names a new payment method each time; here it means the one just attached.
        if settings.get("default_payment_method") == params["payment_method"]:
            settings["default_payment_method"] = method["id"]
    _apply(customer, {"invoice_settings": settings})
    store.save(customer)
    events.emit("customer.created", customer)
    for one in params.get("tax_id_data", []):
        tax_ids.add(customer, one)
    if params.get("balance"):
        customer_balance_transactions.record(customer, params["balance"], "initial")
    return store.get("customer", customer["id"])


@endpoint("GET", "/v1/customers", params="CustomerListParams")
def listed(params: dict[str, Any]) -> dict[str, Any]:
    on_clock = params.get("test_clock")
    where = {
        "email": params.get("email"),
        "test_clock": on_clock or (lambda customer: customer["test_clock"] is None),
    }
    return lists("customer", params, where=where)


@endpoint("GET", "/v1/customers/<id>", params="CustomerRetrieveParams")
def retrieve(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return store.retrieve("customer", id)


@endpoint("POST", "/v1/customers/<id>", params="CustomerUpdateParams")
def update(id: str, params: dict[str, Any]) -> dict[str, Any]:
    before = store.get("customer", id)
    customer = store.get("customer", id)
    _apply(customer, params)
    events.changed("customer.updated", customer, before)
    if "balance" in params:
        difference = params["balance"] - customer["balance"]
        if difference:
            customer_balance_transactions.record(customer, difference, "adjustment")
    return store.get("customer", id)


@endpoint("DELETE", "/v1/customers/<id>", params="CustomerDeleteParams")
def delete(id: str, params: dict[str, Any]) -> dict[str, Any]:
    """Deleting a customer ends its subscriptions at once; its invoices stay."""
    customer = store.get("customer", id)
    for subscription in _live_subscriptions(customer):
        handler("DELETE", "/v1/subscriptions/<id>")(id=subscription["id"], params={})
    for method in store.all("payment_method", customer=id):
        saving.detach(method)
    customer = store.get("customer", id)
    for tax_id in store.all("tax_id", customer=id):
        store.delete(tax_id)
    store.delete(customer)
    events.emit("customer.deleted", customer)
    return {"id": id, "object": "customer", "deleted": True}


@endpoint("DELETE", "/v1/customers/<id>/discount", params="CustomerDeleteDiscountParams")
def delete_discount(id: str, params: dict[str, Any]) -> dict[str, Any]:
    """No current parameter gives a customer a discount of its own, so there is never one."""
    store.get("customer", id)
    raise ApiError(404, f"No active discount for customer: {id}", code="resource_missing")


def _apply(customer: dict[str, Any], params: dict[str, Any]) -> None:
    for name in NOT_COVERED:
        if name in params:
            raise ApiError(400, f"The sandbox does not cover '{name}'.", param=name)
    if params.get("email") and not EMAIL.fullmatch(params["email"]):
        raise ApiError(
            400,
            f"Invalid email address: {params['email']}",
            code="email_invalid",
            param="email",
        )
    assign(customer, params, *PLAIN)
    merge_metadata(customer, params)
    if "tax_exempt" in params and not params["tax_exempt"]:
        customer["tax_exempt"] = "none"
    if "address" in params:
        customer["address"] = merged(
            customer["address"], params["address"], part("customer", "address")
        )
    if "shipping" in params:
        customer["shipping"] = _shipping(params["shipping"])
    if "tax" in params:
        customer["_ip_address"] = params["tax"].get("ip_address") or None
    if "invoice_settings" in params:
        given = dict(params["invoice_settings"])
        method = given.get("default_payment_method")
        if method:
            saving.owned(method, customer["id"], "invoice_settings[default_payment_method]")
        if given.get("rendering_options"):
            given["rendering_options"] = part(
                "customer", "invoice_settings.rendering_options", **given["rendering_options"]
            )
        if given.get("custom_fields") == []:
            given["custom_fields"] = None
        customer["invoice_settings"] = merged(customer["invoice_settings"], given, {})


def _shipping(given: Any) -> dict[str, Any] | None:
    if not given:
        return None
    address = merged(None, given["address"], part("customer", "shipping.address"))
    return {"address": address, "name": given["name"], "phone": given.get("phone")}


def _live_subscriptions(customer: dict[str, Any]) -> list[dict[str, Any]]:
    found = store.all("subscription", customer=customer["id"])
    return [one for one in reversed(found) if one["status"] not in ENDED]


@sublist("customer", "subscriptions")
def subscriptions(customer: dict[str, Any]) -> list[dict[str, Any]]:
    return _live_subscriptions(customer)


@sublist("customer", "tax_ids")
def customer_tax_ids(customer: dict[str, Any]) -> list[dict[str, Any]]:
    return store.all("tax_id", customer=customer["id"])[::-1]


@sublist("customer", "sources")
def sources(customer: dict[str, Any]) -> list[dict[str, Any]]:
    """The sandbox saves payment methods only, no sources of the older kind."""
    return []


@computed("customer", "tax")
def tax(customer: dict[str, Any]) -> dict[str, Any]:
    """Where Stripe Tax would place the customer; the sandbox collects by `tax_rates` only."""
    address = customer["address"] or {}
    place = address.get("country") and {
        "country": address["country"],
        "source": "billing_address",
        "state": address.get("state"),
    }
    return {
        "automatic_tax": "not_collecting" if place else "unrecognized_location",
        "ip_address": customer.get("_ip_address"),
        "location": place or None,
        "provider": "stripe",
    }

"""Tax IDs of customers and of the account, with the verification that Stripe does afterwards."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sandbox import events
from sandbox.protocol import ApiError, endpoint, lists, missing
from sandbox.resources.account import ACCOUNT_ID
from sandbox.schema import blank
from sandbox.store import new_id, store

# Stripe asks VIES, HMRC and the Australian Business Register; other types are never verified.
VERIFIED_TYPES = frozenset({"eu_vat", "gb_vat", "au_abn"})
# Values that stand for an outcome in test mode ("Customer tax IDs", Stripe's documentation).
OUTCOMES = {"000000000": "verified", "111111111": "unverified", "222222222": "pending"}
FORMATS = {
    "eu_vat": r"(AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK"
    r"|XI)[0-9A-Z+*]{2,12}",
    "gb_vat": r"GB(\d{9}|\d{12}|GD\d{3}|HA\d{3})",
    "au_abn": r"\d{11}",
    "us_ein": r"\d{2}-?\d{7}",
    "ch_vat": r"CHE-?\d{3}\.?\d{3}\.?\d{3} ?(MWST|TVA|IVA)",
    "no_vat": r"\d{9}MVA",
    "ca_bn": r"\d{9}",
    "in_gst": r"\d{2}[A-Z]{5}\d{4}[A-Z][0-9A-Z]Z[0-9A-Z]",
}


def add(customer: dict[str, Any] | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """A new tax ID as it is before its verification, which follows at once.

    Without a customer it belongs to the account. ApiError 400 tax_id_invalid for a bad format.
    """
    kind, value = given["type"], given["value"].strip()
    outcome = OUTCOMES.get(value)
    if outcome is None and not re.fullmatch(FORMATS.get(kind, r".+"), value.replace(" ", "")):
        raise ApiError(400, f"Invalid value for {kind}.", code="tax_id_invalid", param="value")
    verifiable = kind in VERIFIED_TYPES or outcome is not None
    owner: dict[str, Any] = {
        "account": None,
        "application": None,
        "customer": None,
        "customer_account": None,
    }
    if customer:
        owner |= {"customer": customer["id"], "type": "customer"}
    else:
        owner |= {"account": ACCOUNT_ID, "type": "self"}
    tax_id = store.insert(
        "tax_id",
        blank(
            "tax_id",
            id=new_id("txi"),
            country=_country(kind, value),
            customer=customer["id"] if customer else None,
            owner=owner,
            type=kind,
            value=value,
            verification={
                "status": "pending" if verifiable else "unavailable",
                "verified_address": None,
                "verified_name": None,
            },
        ),
    )
    if customer:
        events.emit("customer.tax_id.created", tax_id)
    if verifiable:
        _verify(tax_id, outcome or "verified", customer)
    return tax_id


def _verify(tax_id: dict[str, Any], status: str, customer: dict[str, Any] | None) -> None:
    verification = tax_id["verification"] | {"status": status}
    if status == "verified" and customer:
        verification["verified_name"] = customer["name"]
    settled = tax_id | {"verification": verification}
    store.save(settled)
    if customer and status != "pending":
        events.emit("customer.tax_id.updated", settled, tax_id)


def _country(kind: str, value: str) -> str | None:
    prefix = value[:2] if kind in ("eu_vat", "eu_oss_vat") else kind[:2]
    country = {"EL": "GR", "XI": "GB"}.get(prefix.upper(), prefix.upper())
    return country if country.isalpha() else None


def _remove(tax_id: dict[str, Any]) -> dict[str, Any]:
    store.delete(tax_id)
    if tax_id["customer"]:
        events.emit("customer.tax_id.deleted", tax_id)
    return {"id": tax_id["id"], "object": "tax_id", "deleted": True}


@endpoint("POST", "/v1/customers/<customer>/tax_ids", params="CustomerTaxIdCreateParams")
def create_for_customer(customer: str, params: dict[str, Any]) -> dict[str, Any]:
    return add(store.get("customer", customer, "customer"), params)


@endpoint("GET", "/v1/customers/<customer>/tax_ids", params="CustomerTaxIdListParams")
def listed_for_customer(customer: str, params: dict[str, Any]) -> dict[str, Any]:
    store.get("customer", customer, "customer")
    return lists("tax_id", params, where={"customer": customer})


@endpoint("GET", "/v1/customers/<customer>/tax_ids/<id>", params="CustomerTaxIdRetrieveParams")
def retrieve_for_customer(customer: str, id: str, params: dict[str, Any]) -> dict[str, Any]:
    return _owned(customer, id)


@endpoint("DELETE", "/v1/customers/<customer>/tax_ids/<id>", params="CustomerTaxIdDeleteParams")
def delete_for_customer(customer: str, id: str, params: dict[str, Any]) -> dict[str, Any]:
    return _remove(_owned(customer, id))


@endpoint("POST", "/v1/tax_ids", params="TaxIdCreateParams")
def create(params: dict[str, Any]) -> dict[str, Any]:
    return add(_owner(params), params)


@endpoint("GET", "/v1/tax_ids", params="TaxIdListParams")
def listed(params: dict[str, Any]) -> dict[str, Any]:
    owner = _owner(params)
    if owner:
        return lists("tax_id", params, where={"customer": owner["id"]})
    return lists("tax_id", params, where=lambda tax_id: tax_id["customer"] is None)


@endpoint("GET", "/v1/tax_ids/<id>", params="TaxIdRetrieveParams")
def retrieve(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return store.get("tax_id", id)


@endpoint("DELETE", "/v1/tax_ids/<id>", params="TaxIdDeleteParams")
def delete(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return _remove(store.get("tax_id", id))


def _owner(params: dict[str, Any]) -> dict[str, Any] | None:
    owner = params.get("owner", {"type": "self"})
    if owner["type"] == "self":
        return None
    if owner["type"] != "customer":
        raise ApiError(400, "The sandbox has no connected accounts.", param="owner[type]")
    if "customer" not in owner:
        raise ApiError(
            400,
            "Missing required param: owner[customer].",
            code="parameter_missing",
            param="owner[customer]",
        )
    return store.need("customer", owner["customer"], "owner[customer]")


def _owned(customer: str, id: str) -> dict[str, Any]:
    tax_id = store.find("tax_id", id)
    if tax_id is None or tax_id["customer"] != customer:
        raise missing("tax_id", id)
    return tax_id

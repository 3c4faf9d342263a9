"""Payment method domains: where Apple Pay, Google Pay, Link and others may be shown."""

from __future__ import annotations

import ipaddress
from typing import Any

from sandbox.protocol import ApiError, endpoint, lists
from sandbox.schema import blank
from sandbox.store import new_id, store

KIND = "payment_method_domain"
WALLETS = ("amazon_pay", "apple_pay", "google_pay", "klarna", "link", "paypal")


@endpoint("POST", "/v1/payment_method_domains", params="PaymentMethodDomainCreateParams")
def create(params: dict[str, Any]) -> dict[str, Any]:
    name = params["domain_name"].lower()
    if "/" in name or " " in name or ":" in name:
        raise ApiError(400, f"Invalid domain name: {name}", param="domain_name")
    if store.all(KIND, domain_name=name):
        raise ApiError(
            400,
            f"The domain {name} is already registered.",
            code="resource_already_exists",
            param="domain_name",
        )
    domain = blank(KIND, id=new_id("pmd"), domain_name=name, enabled=params.get("enabled", True))
    return store.insert(KIND, _validated(domain))


@endpoint("GET", "/v1/payment_method_domains", params="PaymentMethodDomainListParams")
def listed(params: dict[str, Any]) -> dict[str, Any]:
    where = {"domain_name": params.get("domain_name"), "enabled": params.get("enabled")}
    return lists(KIND, params, where=where)


@endpoint("GET", "/v1/payment_method_domains/<id>", params="PaymentMethodDomainRetrieveParams")
def retrieve(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return store.get(KIND, id)


@endpoint("POST", "/v1/payment_method_domains/<id>", params="PaymentMethodDomainUpdateParams")
def update(id: str, params: dict[str, Any]) -> dict[str, Any]:
    domain = store.get(KIND, id)
    domain["enabled"] = params.get("enabled", domain["enabled"])
    return store.save(_validated(domain))


@endpoint(
    "POST",
    "/v1/payment_method_domains/<id>/validate",
    params="PaymentMethodDomainValidateParams",
)
def validate(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return store.save(_validated(store.get(KIND, id)))


def _validated(domain: dict[str, Any]) -> dict[str, Any]:
    """Wallets are active on a public name; Apple refuses names that only this machine knows."""
    for wallet in WALLETS:
        domain[wallet] = {"status": "active" if domain["enabled"] else "inactive"}
    if domain["enabled"] and _is_local(domain["domain_name"]):
        domain["apple_pay"] = {
            "status": "inactive",
            "status_details": {
                "error_message": f"Apple Pay cannot verify {domain['domain_name']}: the domain "
                "is not reachable from the internet."
            },
        }
    return domain


def _is_local(name: str) -> bool:
    if name == "localhost" or name.endswith((".localhost", ".local", ".test")):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True

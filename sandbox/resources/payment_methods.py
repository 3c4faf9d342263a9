"""Payment methods: made from test numbers and tokens, kept by customers."""

from __future__ import annotations

from typing import Any

from sandbox import cards, events
from sandbox.engine import saving
from sandbox.protocol import ApiError, endpoint, lists, merge_metadata
from sandbox.store import store


@endpoint("POST", "/v1/payment_methods", params="PaymentMethodCreateParams")
def create(params: dict[str, Any]) -> dict[str, Any]:
    if "type" not in params:
        raise ApiError(400, "Missing required param: type.", code="parameter_missing", param="type")
    return from_data(params)


def from_data(data: dict[str, Any]) -> dict[str, Any]:
    """A payment method from `payment_method_data`, or from the parameters of its creation."""
    type = data["type"]
    details = data.get(type) or {}
    shared = {
        "billing_details": data.get("billing_details") or None,
        "metadata": dict(data.get("metadata") or {}),
    }
    if type == "card" and details.get("token"):
        number = cards.token_number(details["token"])
        if number is None:
            raise ApiError(
                400,
                f"No such token: '{details['token']}'",
                code="resource_missing",
                param="card[token]",
            )
        made = cards.from_number(number, shared["billing_details"])
        made["metadata"] = shared["metadata"]
    elif type == "card":
        known = ("number", "exp_month", "exp_year", "cvc")
        made = cards.create_payment_method(**{name: details.get(name) for name in known}, **shared)
    else:
        plain = {name: value for name, value in details.items() if isinstance(value, str)}
        made = cards.create_payment_method(type, **plain, **shared)
    made["allow_redisplay"] = data.get("allow_redisplay", "unspecified")
    return store.save(made)


@endpoint("GET", "/v1/payment_methods", params="PaymentMethodListParams")
def listed(params: dict[str, Any]) -> dict[str, Any]:
    if not params.get("customer"):
        return lists("payment_method", params, where=lambda doc: False)
    return of_customer(params["customer"], params)


@endpoint(
    "GET", "/v1/customers/<customer>/payment_methods", params="CustomerPaymentMethodListParams"
)
def of_customer(customer: str, params: dict[str, Any]) -> dict[str, Any]:
    store.need("customer", customer, "customer")
    where = {name: params.get(name) for name in ("type", "allow_redisplay")}
    return lists("payment_method", params, where={"customer": customer, **where})


@endpoint(
    "GET",
    "/v1/customers/<customer>/payment_methods/<id>",
    params="CustomerPaymentMethodRetrieveParams",
)
def retrieve_of_customer(customer: str, id: str, params: dict[str, Any]) -> dict[str, Any]:
    found = store.get("payment_method", id)
    if found["customer"] != customer:
        raise ApiError(
            404, f"No such PaymentMethod: '{id}'", code="resource_missing", param="payment_method"
        )
    return found


@endpoint("GET", "/v1/payment_methods/<id>", params="PaymentMethodRetrieveParams")
def retrieve(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return store.get("payment_method", id, "payment_method")


@endpoint("POST", "/v1/payment_methods/<id>", params="PaymentMethodUpdateParams")
def update(id: str, params: dict[str, Any]) -> dict[str, Any]:
    before, method = store.get("payment_method", id), store.get("payment_method", id)
    if not method["customer"]:
        raise ApiError(
            400,
            "You must save this PaymentMethod to a customer before you can update it.",
            code="payment_method_unexpected_state",
        )
    merge_metadata(method, params)
    if "allow_redisplay" in params:
        method["allow_redisplay"] = params["allow_redisplay"]
    for name, value in (params.get("billing_details") or {}).items():
        if name == "address" and value:
            method["billing_details"]["address"] |= {k: v or None for k, v in value.items()}
        else:
            method["billing_details"][name] = value or None
    for name in ("exp_month", "exp_year"):
        if name in (params.get("card") or {}):
            method["card"][name] = params["card"][name]
    return events.changed("payment_method.updated", method, before)


@endpoint("POST", "/v1/payment_methods/<id>/attach", params="PaymentMethodAttachParams")
def attach(id: str, params: dict[str, Any]) -> dict[str, Any]:
    if not params.get("customer"):
        raise ApiError(
            400, "Missing required param: customer.", code="parameter_missing", param="customer"
        )
    store.need("customer", params["customer"], "customer")
    return saving.attach(cards.resolve(id), params["customer"])


@endpoint("POST", "/v1/payment_methods/<id>/detach", params="PaymentMethodDetachParams")
def detach(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return saving.detach(store.get("payment_method", id, "payment_method"))

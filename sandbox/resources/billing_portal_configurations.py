"""Configurations of the hosted Billing Portal: what a customer may do there."""

from __future__ import annotations

from typing import Any

from sandbox import clock, events
from sandbox.protocol import ApiError, assign, endpoint, lists, merge_metadata
from sandbox.schema import blank
from sandbox.store import new_id, store

KIND = "billing_portal.configuration"
ROOT = "/v1/billing_portal/configurations"
REASONS = [
    *("too_expensive", "missing_features", "switched_service", "unused"),
    *("customer_service", "too_complex", "low_quality", "other"),
]


def _features() -> dict[str, Any]:
    """Every feature switched off, with Stripe's defaults for the rest."""
    return {
        "customer_update": {"allowed_updates": [], "enabled": False},
        "invoice_history": {"enabled": False},
        "payment_method_update": {"enabled": False, "payment_method_configuration": None},
        "subscription_cancel": {
            "cancellation_reason": {
                "enabled": False,
                "feedback_options": None,
                "options": list(REASONS),
            },
            "enabled": False,
            "mode": "at_period_end",
            "proration_behavior": "none",
        },
        "subscription_pause": {
            "duration": {"interval_options": [], "type": "indefinite"},
            "enabled": False,
        },
        "subscription_update": {
            "billing_cycle_anchor": None,
            "default_allowed_updates": [],
            "enabled": False,
            "products": None,
            "proration_behavior": "none",
            "schedule_at_period_end": {"conditions": []},
            "trial_update_behavior": "end_trial",
        },
    }


def default() -> dict[str, Any]:
    """The configuration for sessions that name none, made when first asked for."""
    found = store.all(KIND, is_default=True)
    if found:
        return found[0]
    features = _features()
    for name in ("invoice_history", "payment_method_update", "subscription_cancel"):
        features[name]["enabled"] = True
    features["customer_update"] = {
        "allowed_updates": ["email", "address", "phone", "tax_id"],
        "enabled": True,
    }
    return store.insert(KIND, _blank(features) | {"is_default": True})


def _blank(features: dict[str, Any]) -> dict[str, Any]:
    return blank(
        KIND,
        id=new_id("bpc"),
        active=True,
        business_profile={
            "headline": None,
            "privacy_policy_url": None,
            "terms_of_service_url": None,
        },
        features=features,
        is_default=False,
        login_page={"enabled": False, "url": None},
        metadata={},
        updated=clock.now(),
    )


@endpoint("POST", ROOT, params="billing_portal.ConfigurationCreateParams")
def create(params: dict[str, Any]) -> dict[str, Any]:
    configuration = _blank(_features())
    _apply(configuration, params)
    store.insert(KIND, configuration)
    events.emit("billing_portal.configuration.created", configuration)
    return configuration


@endpoint("GET", ROOT, params="billing_portal.ConfigurationListParams")
def listed(params: dict[str, Any]) -> dict[str, Any]:
    where = {"active": params.get("active"), "is_default": params.get("is_default")}
    return lists(KIND, params, where=where)


@endpoint("GET", f"{ROOT}/<id>", params="billing_portal.ConfigurationRetrieveParams")
def retrieve(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return store.get(KIND, id)


@endpoint("POST", f"{ROOT}/<id>", params="billing_portal.ConfigurationUpdateParams")
def update(id: str, params: dict[str, Any]) -> dict[str, Any]:
    before, configuration = store.get(KIND, id), store.get(KIND, id)
    if params.get("active") is False and configuration["is_default"]:
        raise ApiError(400, "The default configuration cannot be deactivated.", param="active")
    assign(configuration, params, "active")
    _apply(configuration, params)
    if configuration != before:
        configuration["updated"] = clock.now()
    return events.changed("billing_portal.configuration.updated", configuration, before)


def _apply(configuration: dict[str, Any], params: dict[str, Any]) -> None:
    assign(configuration, params, "default_return_url", "name")
    merge_metadata(configuration, params)
    given = params.get("business_profile", {})
    assign(configuration["business_profile"], given, *given)
    if "login_page" in params:
        enabled = params["login_page"]["enabled"]
        configuration["login_page"] = {"enabled": enabled, "url": None}
    for name, feature in params.get("features", {}).items():
        _merge(configuration["features"][name], feature)
    _check(configuration["features"])


def _merge(current: dict[str, Any], given: dict[str, Any]) -> None:
    for name, value in given.items():
        if isinstance(value, dict) and isinstance(current.get(name), dict):
            _merge(current[name], value)
        elif value == "":
            current[name] = [] if isinstance(current.get(name), list) else None
        else:
            current[name] = value


def _check(features: dict[str, Any]) -> None:
    change = features["subscription_update"]
    if change["enabled"] and not change["products"]:
        raise ApiError(
            400,
            "You must provide products when subscription updates are enabled.",
            code="parameter_missing",
            param="features[subscription_update][products]",
        )
    for index, one in enumerate(change["products"] or []):
        where = f"features[subscription_update][products][{index}]"
        store.need("product", one["product"], f"{where}[product]")
        for position, price_id in enumerate(one["prices"]):
            price = store.need("price", price_id, f"{where}[prices][{position}]")
            if price["product"] != one["product"]:
                raise ApiError(
                    400,
                    f"The price {price_id} does not belong to the product {one['product']}.",
                    param=f"{where}[prices][{position}]",
                )
        one["adjustable_quantity"] = {"enabled": False, "maximum": None, "minimum": 1} | one.get(
            "adjustable_quantity", {}
        )
    pause = features["subscription_pause"]["duration"]
    pause["interval_options"] = [
        {"interval_count": 1} | option for option in pause["interval_options"] or []
    ]

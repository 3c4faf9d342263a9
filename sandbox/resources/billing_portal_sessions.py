"""Sessions of the hosted Billing Portal, with the flows that lead straight to one task."""

from __future__ import annotations

from typing import Any

from sandbox import clock, events
from sandbox.engine import items
from sandbox.pages.urls import portal_url
from sandbox.protocol import ApiError, endpoint
from sandbox.resources import billing_portal_configurations as configurations
from sandbox.schema import blank, part
from sandbox.store import new_id, store

KIND = "billing_portal.session"
# How long a link opens its page, in seconds; using the page extends it.
LIFETIME = 3600
# The feature of the configuration that each flow needs.
FEATURE_OF = {
    "customer_update": "customer_update",
    "payment_method_update": "payment_method_update",
    "subscription_cancel": "subscription_cancel",
    "subscription_pause": "subscription_pause",
    "subscription_update": "subscription_update",
    "subscription_update_confirm": "subscription_update",
}
ENDED = frozenset({"canceled", "incomplete_expired"})


@endpoint("POST", "/v1/billing_portal/sessions", params="billing_portal.SessionCreateParams")
def create(params: dict[str, Any]) -> dict[str, Any]:
    if not params.get("customer"):
        raise ApiError(
            400, "Missing required param: customer.", code="parameter_missing", param="customer"
        )
    customer = store.need("customer", params["customer"], "customer")
    configuration = _configuration(params.get("configuration"))
    session = blank(
        KIND,
        id=new_id("bps"),
        configuration=configuration["id"],
        customer=customer["id"],
        flow=_flow(params.get("flow_data"), configuration, customer),
        locale=params.get("locale"),
        on_behalf_of=params.get("on_behalf_of"),
        return_url=params.get("return_url") or configuration["default_return_url"],
        after_expiration=_after_expiration(params.get("after_expiration")),
        _expires_at=clock.now() + LIFETIME,
    )
    if session["return_url"] and not session["return_url"].startswith(("http://", "https://")):
        raise ApiError(400, "Not a valid URL", code="url_invalid", param="return_url")
    session["url"] = portal_url(session)
    store.insert(KIND, session)
    events.emit("billing_portal.session.created", session)
    return session


def _configuration(id: str | None) -> dict[str, Any]:
    if id is None:
        return configurations.default()
    found = store.need(configurations.KIND, id, "configuration")
    if not found["active"]:
        raise ApiError(400, "This portal configuration is not active.", param="configuration")
    return found


def _after_expiration(given: dict[str, Any] | None) -> dict[str, Any] | None:
    if not given:
        return None
    login = given.get("customer_login")
    return {
        "type": given["type"],
        "customer_login": {"expires_at": login.get("expires_at")} if login is not None else None,
    }


def _flow(
    given: dict[str, Any] | None, configuration: dict[str, Any], customer: dict[str, Any]
) -> dict[str, Any] | None:
    if not given:
        return None
    kind = given["type"]
    feature = FEATURE_OF[kind]
    if not configuration["features"][feature]["enabled"]:
        raise ApiError(
            400,
            f"This flow needs the feature `{feature}`, which is disabled in the portal "
            "configuration.",
            param="flow_data[type]",
        )
    if kind.startswith("subscription_"):
        if not given.get(kind):
            raise ApiError(
                400,
                f"Missing required param: flow_data[{kind}].",
                code="parameter_missing",
                param=f"flow_data[{kind}]",
            )
        _check_subscription(given[kind], kind, customer)
    return part(
        KIND,
        "flow",
        type=kind,
        after_completion=_after_completion(given.get("after_completion")),
        **({kind: _details(given, kind)} if given.get(kind) else {}),
    )


def _check_subscription(details: dict[str, Any], kind: str, customer: dict[str, Any]) -> None:
    where = f"flow_data[{kind}][subscription]"
    subscription = store.need("subscription", details["subscription"], where)
    if subscription["customer"] != customer["id"]:
        raise ApiError(
            400, f"No such subscription: '{subscription['id']}'", code="resource_missing",
            param=where,
        )  # fmt: skip
    if subscription["status"] in ENDED:
        raise ApiError(400, "This subscription has ended and cannot be changed.", param=where)
    if kind == "subscription_cancel" and subscription["cancel_at"]:
        raise ApiError(
            400,
            "The subscription cannot be canceled because it is already set to be canceled.",
            param=where,
        )
    own = {item["id"] for item in items.of(subscription)}
    for item in details.get("items") or []:
        if item["id"] not in own:
            raise ApiError(
                400, f"No such subscription item: '{item['id']}'", code="resource_missing"
            )
        if item.get("price"):
            store.need("price", item["price"], f"flow_data[{kind}][items][0][price]")


def _after_completion(given: dict[str, Any] | None) -> dict[str, Any]:
    given = given or {"type": "portal_homepage"}
    shown = part(KIND, "flow.after_completion", type=given["type"])
    if given["type"] == "redirect":
        if not given.get("redirect"):
            name = "flow_data[after_completion][redirect]"
            raise ApiError(
                400, f"Missing required param: {name}.", code="parameter_missing", param=name
            )
        shown["redirect"] = {"return_url": given["redirect"]["return_url"]}
    if given["type"] == "hosted_confirmation":
        message = (given.get("hosted_confirmation") or {}).get("custom_message")
        shown["hosted_confirmation"] = {"custom_message": message}
    return shown


def _details(given: dict[str, Any], kind: str) -> dict[str, Any]:
    details = dict(given[kind])
    if kind == "subscription_cancel" and details.get("retention"):
        details["retention"] = {"coupon_offer": None} | details["retention"]
    if kind == "subscription_update_confirm":
        details["items"] = [{"price": None, "quantity": None} | item for item in details["items"]]
        details["discounts"] = [
            {"coupon": None, "promotion_code": None} | entry
            for entry in details.get("discounts") or []
        ] or None
    return part(KIND, f"flow.{kind}", **details)

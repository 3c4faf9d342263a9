"""Promotion codes: the words customers type to redeem a coupon."""

from __future__ import annotations

from typing import Any

from sandbox import clock, events
from sandbox.protocol import ApiError, assign, computed, endpoint, lists, merge_metadata
from sandbox.resources import coupons
from sandbox.schema import blank
from sandbox.store import new_id, random_text, store


@endpoint("POST", "/v1/promotion_codes", params="PromotionCodeCreateParams")
def create(params: dict[str, Any]) -> dict[str, Any]:
    promotion = params["promotion"]
    if "coupon" not in promotion:
        raise ApiError(
            400,
            "Missing required param: promotion[coupon].",
            code="parameter_missing",
            param="promotion[coupon]",
        )
    store.need("coupon", promotion["coupon"], "promotion[coupon]")
    if "customer" in params:
        store.need("customer", params["customer"], "customer")
    code = (params.get("code") or random_text(8)).upper()
    if not code.replace("-", "").isalnum():
        raise ApiError(
            400, "Promotion codes may contain letters, digits and dashes only.", param="code"
        )
    for other in find_active(code):
        if other["customer"] in (None, params.get("customer")) or "customer" not in params:
            raise ApiError(
                400,
                f"An active promotion code with `code: {code}` already exists.",
                code="resource_already_exists",
                param="code",
            )
    given = params.get("restrictions", {})
    promotion_code = blank(
        "promotion_code",
        id=new_id("promo"),
        active=params.get("active", True),
        code=code,
        metadata={},
        promotion={"coupon": promotion["coupon"], "type": "coupon"},
        restrictions={
            "first_time_transaction": given.get("first_time_transaction", False),
            "minimum_amount": given.get("minimum_amount"),
            "minimum_amount_currency": given.get("minimum_amount_currency"),
        },
    )
    if given.get("currency_options"):
        promotion_code["restrictions"]["currency_options"] = given["currency_options"]
    if (given.get("minimum_amount") is None) != (given.get("minimum_amount_currency") is None):
        raise ApiError(
            400,
            "`minimum_amount` and `minimum_amount_currency` must be passed together.",
            code="parameter_missing",
            param="restrictions[minimum_amount_currency]",
        )
    assign(promotion_code, params, "customer", "expires_at", "max_redemptions")
    merge_metadata(promotion_code, params)
    store.insert("promotion_code", promotion_code)
    events.emit("promotion_code.created", promotion_code)
    return promotion_code


@endpoint("GET", "/v1/promotion_codes", params="PromotionCodeListParams")
def listed(params: dict[str, Any]) -> dict[str, Any]:
    where: dict[str, Any] = {name: params.get(name) for name in ("coupon", "customer")}
    if "code" in params:
        where["code"] = params["code"].upper()
    if "active" in params:
        where["active"] = lambda one: active(one) is params["active"]
    return lists("promotion_code", params, where=where)


@endpoint("GET", "/v1/promotion_codes/<id>", params="PromotionCodeRetrieveParams")
def retrieve(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return store.get("promotion_code", id)


@endpoint("POST", "/v1/promotion_codes/<id>", params="PromotionCodeUpdateParams")
def update(id: str, params: dict[str, Any]) -> dict[str, Any]:
    before, promotion_code = store.get("promotion_code", id), store.get("promotion_code", id)
    assign(promotion_code, params, "active")
    merge_metadata(promotion_code, params)
    options = params.get("restrictions", {}).get("currency_options")
    if options is not None:
        promotion_code["restrictions"]["currency_options"] = options
    return events.changed("promotion_code.updated", promotion_code, before)


@computed("promotion_code", "active")
def active(promotion_code: dict[str, Any]) -> bool:
    """The code can be redeemed now: switched on, not expired, not used up, its coupon valid."""
    if not promotion_code["active"]:
        return False
    if promotion_code["expires_at"] is not None and promotion_code["expires_at"] <= clock.now():
        return False
    limit = promotion_code["max_redemptions"]
    if limit is not None and promotion_code["times_redeemed"] >= limit:
        return False
    coupon = store.find("coupon", promotion_code["promotion"]["coupon"])
    return coupon is not None and coupons.valid(coupon)


def find_active(code: str) -> list[dict[str, Any]]:
    """The promotion codes that a customer who types `code` could mean."""
    return [one for one in store.all("promotion_code", code=code.upper()) if active(one)]

"""Coupons: what a discount takes off, for how long and how often."""

from __future__ import annotations

from typing import Any

from sandbox import clock, events
from sandbox.protocol import ApiError, assign, computed, endpoint, lists, merge_metadata
from sandbox.schema import blank
from sandbox.store import random_text, store


@endpoint("POST", "/v1/coupons", params="CouponCreateParams")
def create(params: dict[str, Any]) -> dict[str, Any]:
    _check(params)
    currency = params.get("currency")
    coupon = blank(
        "coupon",
        id=params.get("id") or random_text(8),
        currency=currency.lower() if currency and "amount_off" in params else None,
        duration=params.get("duration", "once"),
        metadata={},
        times_redeemed=0,
        valid=True,
    )
    assign(
        coupon,
        params,
        *("amount_off", "duration_in_months", "max_redemptions", "name", "percent_off"),
        "redeem_by",
    )
    if params.get("applies_to", {}).get("products"):
        for index, product in enumerate(params["applies_to"]["products"]):
            store.need("product", product, f"applies_to[products][{index}]")
        coupon["applies_to"] = {"products": params["applies_to"]["products"]}
    if coupon["amount_off"] is not None:
        own = {coupon["currency"]: {"amount_off": coupon["amount_off"]}}
        coupon["currency_options"] = own | (params.get("currency_options") or {})
    merge_metadata(coupon, params)
    store.insert("coupon", coupon)
    events.emit("coupon.created", coupon)
    return coupon


@endpoint("GET", "/v1/coupons", params="CouponListParams")
def listed(params: dict[str, Any]) -> dict[str, Any]:
    return lists("coupon", params)


@endpoint("GET", "/v1/coupons/<id>", params="CouponRetrieveParams")
def retrieve(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return store.get("coupon", id)


@endpoint("POST", "/v1/coupons/<id>", params="CouponUpdateParams")
def update(id: str, params: dict[str, Any]) -> dict[str, Any]:
    before, coupon = store.get("coupon", id), store.get("coupon", id)
    assign(coupon, params, "name")
    merge_metadata(coupon, params)
    if params.get("currency_options"):
        coupon["currency_options"] = {
            **(coupon.get("currency_options") or {}),
            **params["currency_options"],
        }
    return events.changed("coupon.updated", coupon, before)


@endpoint("DELETE", "/v1/coupons/<id>", params="CouponDeleteParams")
def delete(id: str, params: dict[str, Any]) -> dict[str, Any]:
    """Discounts that were already given go on; the coupon cannot be redeemed any more."""
    coupon = store.get("coupon", id)
    store.delete(coupon)
    events.emit("coupon.deleted", coupon)
    return {"id": id, "object": "coupon", "deleted": True}


@computed("coupon", "valid")
def valid(coupon: dict[str, Any]) -> bool:
    """The coupon can be redeemed now: not past `redeem_by`, not used up."""
    if coupon["redeem_by"] is not None and coupon["redeem_by"] <= clock.now():
        return False
    limit = coupon["max_redemptions"]
    return limit is None or coupon["times_redeemed"] < limit


def _check(params: dict[str, Any]) -> None:
    if ("amount_off" in params) == ("percent_off" in params):
        raise ApiError(
            400,
            "Must provide exactly one of these parameters: percent_off, amount_off.",
            code="parameter_missing" if "amount_off" not in params else "parameters_exclusive",
            param="percent_off",
        )
    if "amount_off" in params:
        if params["amount_off"] < 1:
            raise ApiError(
                400,
                "This value must be greater than or equal to 1.",
                code="parameter_invalid_integer",
                param="amount_off",
            )
        if "currency" not in params:
            raise ApiError(
                400,
                "You must pass currency when passing amount_off",
                code="parameter_missing",
                param="currency",
            )
    elif not 0 < params["percent_off"] <= 100:
        raise ApiError(
            400, "Invalid percent_off: must be above 0 and at most 100.", param="percent_off"
        )
    repeating = params.get("duration") == "repeating"
    if repeating != ("duration_in_months" in params):
        raise ApiError(
            400,
            "`duration_in_months` must be passed when duration=repeating, and only then.",
            code="parameter_missing" if repeating else None,
            param="duration_in_months",
        )
    if params.get("redeem_by", clock.now() + 1) <= clock.now():
        raise ApiError(400, "`redeem_by` must be in the future.", param="redeem_by")

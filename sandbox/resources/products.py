"""Products: what is sold."""

from __future__ import annotations

from typing import Any

from sandbox import clock, events
from sandbox.protocol import ApiError, assign, endpoint, lists, merge_metadata
from sandbox.resources import prices
from sandbox.schema import blank
from sandbox.store import new_id, store

PLAIN = (
    *("active", "description", "name", "package_dimensions", "shippable", "statement_descriptor"),
    *("tax_code", "tax_details", "unit_label", "url"),
)
MAX_FEATURES = 15


@endpoint("POST", "/v1/products", params="ProductCreateParams")
def create(params: dict[str, Any]) -> dict[str, Any]:
    product = blank(
        "product",
        id=params.get("id") or new_id("prod", 14),
        active=True,
        type=params.get("type", "service"),
        updated=clock.now(),
    )
    _apply(product, params)
    store.insert("product", product)
    events.emit("product.created", product)
    if "default_price_data" in params:
        price = prices.add(params["default_price_data"] | {"product": product["id"]})
        before = dict(product)
        product["default_price"] = price["id"]
        events.changed("product.updated", product, before)
    return product


@endpoint("GET", "/v1/products", params="ProductListParams")
def listed(params: dict[str, Any]) -> dict[str, Any]:
    where = {name: params.get(name) for name in ("active", "shippable", "url", "type")}
    return lists("product", params, where=where | {"id": params.get("ids")})


@endpoint("GET", "/v1/products/<id>", params="ProductRetrieveParams")
def retrieve(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return store.retrieve("product", id)


@endpoint("POST", "/v1/products/<id>", params="ProductUpdateParams")
def update(id: str, params: dict[str, Any]) -> dict[str, Any]:
    before, product = store.get("product", id), store.get("product", id)
    _apply(product, params)
    if params.get("default_price"):
        price = store.need("price", params["default_price"], "default_price")
        if price["product"] != id:
            raise ApiError(
                400,
                f"The price `{price['id']}` cannot be set as the default price because it belongs "
                f"to the product `{price['product']}`.",
                param="default_price",
            )
    assign(product, params, "default_price")
    if product != before:
        product["updated"] = clock.now()
    return events.changed("product.updated", product, before)


@endpoint("DELETE", "/v1/products/<id>", params="ProductDeleteParams")
def delete(id: str, params: dict[str, Any]) -> dict[str, Any]:
    product = store.get("product", id)
    if store.all("price", product=id):
        raise ApiError(
            400,
            "This product cannot be deleted because it has one or more user-created prices.",
        )
    store.delete(product)
    events.emit("product.deleted", product)
    return {"id": id, "object": "product", "deleted": True}


def _apply(product: dict[str, Any], params: dict[str, Any]) -> None:
    assign(product, params, *PLAIN)
    merge_metadata(product, params)
    for name in ("images", "marketing_features"):
        if name in params:
            product[name] = params[name] or []
    if len(product["marketing_features"]) > MAX_FEATURES:
        raise ApiError(
            400,
            f"You can only have up to {MAX_FEATURES} marketing features.",
            param="marketing_features",
        )
    if product["tax_details"]:
        product["tax_details"] = {
            "performance_location": product["tax_details"].get("performance_location"),
            "tax_code": product["tax_details"].get("tax_code") or None,
        }

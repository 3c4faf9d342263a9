"""Prices: per unit, in tiers, recurring or one-time, in several currencies."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox import events
from sandbox.protocol import ApiError, assign, endpoint, lists, merge_metadata
from sandbox.schema import blank, part
from sandbox.store import new_id, store

# The longest billing interval is three years.
LONGEST = {"day": 1095, "week": 156, "month": 36, "year": 3}
FRACTION = 12  # decimal places of a unit amount


@endpoint("POST", "/v1/prices", params="PriceCreateParams")
def create(params: dict[str, Any]) -> dict[str, Any]:
    if ("product" in params) == ("product_data" in params):
        raise ApiError(
            400,
            "You must specify exactly one of these parameters: product, product_data.",
            code="parameters_exclusive" if "product" in params else "parameter_missing",
            param="product",
        )
    if "product_data" in params:
        from sandbox.resources import products

        product = products.create(params["product_data"])
    else:
        product = store.need("product", params["product"], "product")
    return add(params | {"product": product["id"]})


def add(params: dict[str, Any]) -> dict[str, Any]:
    """A new price from the parameters of a price, `product` being an id."""
    recurring = params.get("recurring")
    scheme = params.get("billing_scheme", "per_unit")
    price = blank(
        "price",
        id=new_id("price"),
        active=params.get("active", True),
        billing_scheme=scheme,
        currency=params["currency"].lower(),
        nickname=params.get("nickname") or None,
        product=params["product"],
        recurring=_recurring(recurring) if recurring else None,
        tax_behavior=params.get("tax_behavior", "unspecified"),
        type="recurring" if recurring else "one_time",
    )
    if scheme == "tiered":
        if not params.get("tiers") or "tiers_mode" not in params:
            name = "tiers_mode" if params.get("tiers") else "tiers"
            raise ApiError(
                400,
                f"You must specify `{name}` when `billing_scheme=tiered`.",
                code="parameter_missing",
                param=name,
            )
        price["tiers_mode"] = params["tiers_mode"]
    elif "tiers" in params or "tiers_mode" in params:
        raise ApiError(
            400, "`tiers` may only be given when `billing_scheme=tiered`.", param="tiers"
        )
    amounts = _amounts(params, scheme, "")
    price |= {name: value for name, value in amounts.items() if name != "tax_behavior"}
    if "transform_quantity" in params:
        price["transform_quantity"] = params["transform_quantity"]
    price["currency_options"] = {price["currency"]: amounts} | _currency_options(params, scheme)
    for option in price["currency_options"].values():
        option["tax_behavior"] = option.get("tax_behavior") or price["tax_behavior"]
    merge_metadata(price, params)
    _take_lookup_key(price, params)
    store.insert("price", price)
    events.emit("price.created", price)
    return price


@endpoint("GET", "/v1/prices", params="PriceListParams")
def listed(params: dict[str, Any]) -> dict[str, Any]:
    where = {name: params.get(name) for name in ("active", "currency", "product", "type")}
    where |= {"lookup_key": params.get("lookup_keys"), "recurring": params.get("recurring")}
    return lists("price", params, where=where)


@endpoint("GET", "/v1/prices/<id>", params="PriceRetrieveParams")
def retrieve(id: str, params: dict[str, Any]) -> dict[str, Any]:
    return store.get("price", id)


@endpoint("POST", "/v1/prices/<id>", params="PriceUpdateParams")
def update(id: str, params: dict[str, Any]) -> dict[str, Any]:
    before, price = store.get("price", id), store.get("price", id)
    if params.get("active") is False:
        product = store.find("product", price["product"])
        if product and product["default_price"] == id:
            raise ApiError(
                400,
                "This price cannot be archived because it is the default price of its product.",
                param="active",
            )
    if "tax_behavior" in params and price["tax_behavior"] not in (
        "unspecified",
        params["tax_behavior"],
    ):
        raise ApiError(
            400,
            "You cannot change `tax_behavior` of a price once it is set to "
            f"`{price['tax_behavior']}`.",
            param="tax_behavior",
        )
    assign(price, params, "active", "nickname", "tax_behavior")
    merge_metadata(price, params)
    _take_lookup_key(price, params)
    if "currency_options" in params:
        own = {price["currency"]: price["currency_options"][price["currency"]]}
        given = _currency_options(params, price["billing_scheme"])
        kept = price["currency_options"] if params["currency_options"] else {}
        price["currency_options"] = {**kept, **given, **own}
    for option in price["currency_options"].values():
        option["tax_behavior"] = option.get("tax_behavior") or price["tax_behavior"]
    return events.changed("price.updated", price, before)


def _recurring(given: dict[str, Any]) -> dict[str, Any]:
    recurring = part(
        "price", "recurring", **({"interval_count": 1, "usage_type": "licensed"} | given)
    )
    longest = LONGEST[recurring["interval"]]
    if not 1 <= recurring["interval_count"] <= longest:
        raise ApiError(
            400,
            f"Invalid recurring[interval_count]: must be between 1 and {longest} for "
            f"`interval={recurring['interval']}`. Prices may be billed at most every three years.",
            param="recurring[interval_count]",
        )
    return recurring


def _currency_options(params: dict[str, Any], scheme: str) -> dict[str, Any]:
    return {
        currency.lower(): _amounts(option, scheme, f"currency_options[{currency}]")
        | {"tax_behavior": option.get("tax_behavior")}
        for currency, option in (params.get("currency_options") or {}).items()
        if option
    }


def _amounts(given: dict[str, Any], scheme: str, path: str) -> dict[str, Any]:
    """The amount fields of a price or of one currency option."""
    amounts: dict[str, Any] = {
        "custom_unit_amount": None,
        "tax_behavior": None,
        "unit_amount": None,
        "unit_amount_decimal": None,
    }
    ways = ("unit_amount", "unit_amount_decimal", "custom_unit_amount", "tiers")
    used = [name for name in ways if name in given]
    if len(used) > 1:
        raise ApiError(
            400,
            f"You may only specify one of these parameters: {', '.join(used)}.",
            code="parameters_exclusive",
            param=_at(path, used[1]),
        )
    if not used:
        raise ApiError(
            400,
            "Prices require an `unit_amount` or `unit_amount_decimal` parameter to be set."
            if scheme == "per_unit"
            else "Prices with `billing_scheme=tiered` require `tiers` to be set.",
            code="parameter_missing",
            param=_at(path, "unit_amount" if scheme == "per_unit" else "tiers"),
        )
    if "tiers" in given:
        amounts["tiers"] = _tiers(given["tiers"], _at(path, "tiers"))
    elif "custom_unit_amount" in given:
        custom = given["custom_unit_amount"]
        amounts["custom_unit_amount"] = {
            name: custom.get(name) for name in ("maximum", "minimum", "preset")
        }
    else:
        whole, decimal = _amount(given, "unit_amount", path)
        amounts |= {"unit_amount": whole, "unit_amount_decimal": decimal}
    return amounts


def _amount(given: dict[str, Any], name: str, path: str) -> tuple[int | None, str | None]:
    value = given.get(name, given.get(f"{name}_decimal"))
    if value is None:
        return None, None
    decimal = Decimal(value)
    if decimal < 0:
        raise ApiError(
            400,
            "This value must be greater than or equal to 0.",
            code="parameter_invalid_integer",
            param=_at(path, name),
        )
    if -int(decimal.as_tuple().exponent) > FRACTION:
        raise ApiError(
            400,
            f"Invalid decimal: {decimal}; must contain at maximum {FRACTION} decimal places.",
            param=_at(path, f"{name}_decimal"),
        )
    text = format(decimal.normalize(), "f")
    return (int(decimal) if decimal == int(decimal) else None), text


def _tiers(given: list[dict[str, Any]], path: str) -> list[dict[str, Any]]:
    tiers, last = [], 0
    for index, one in enumerate(given):
        where = f"{path}[{index}]"
        final = index == len(given) - 1
        if final != (one["up_to"] == "inf"):
            raise ApiError(
                400,
                "The last tier must have `up_to` set to `inf`, and only the last.",
                param=f"{where}[up_to]",
            )
        if not final and one["up_to"] <= last:
            raise ApiError(
                400, "The `up_to` of each tier must be above the one before.", param=where
            )
        flat, flat_decimal = _amount(one, "flat_amount", where)
        unit, unit_decimal = _amount(one, "unit_amount", where)
        if flat_decimal is None and unit_decimal is None:
            raise ApiError(400, "Each tier needs a `unit_amount` or a `flat_amount`.", param=where)
        last = 0 if final else one["up_to"]
        tiers.append(
            {
                "flat_amount": flat,
                "flat_amount_decimal": flat_decimal,
                "unit_amount": unit,
                "unit_amount_decimal": unit_decimal,
                "up_to": None if final else one["up_to"],
            }
        )
    return tiers


def _take_lookup_key(price: dict[str, Any], params: dict[str, Any]) -> None:
    if "lookup_key" not in params:
        return
    key = params["lookup_key"] or None
    for other in store.all("price", lookup_key=key) if key else []:
        if other["id"] == price["id"]:
            continue
        if not params.get("transfer_lookup_key"):
            raise ApiError(
                400,
                f"A price (`{other['id']}`) already uses that lookup key.",
                code="resource_already_exists",
                param="lookup_key",
            )
        events.changed("price.updated", other | {"lookup_key": None}, other)
    price["lookup_key"] = key


def _at(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name

"""What a Checkout Session sells: its line items, stored one by one."""

from __future__ import annotations

from typing import Any

from sandbox import clock
from sandbox.engine import items, pricing
from sandbox.errors import ApiError
from sandbox.events import emit
from sandbox.schema import blank, part
from sandbox.store import new_id, store


def of(session: dict[str, Any]) -> list[dict[str, Any]]:
    """The session's line items in the order they were given."""
    return store.all("item", _session=session["id"])


def build(session: dict[str, Any], given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Store a line item for each of the `line_items` parameters.

    Settles the session's currency by the first price. ApiError 400 for a price that does not fit
    the session's mode, currency or each other.
    """
    lines = [_line(session, item, f"line_items[{index}]") for index, item in enumerate(given)]
    recurring = [line for line in lines if line["price"]["recurring"]]
    if session["mode"] == "subscription" and not recurring:
        raise ApiError(
            400,
            "You must provide at least one recurring price in `subscription` mode when using "
            "prices.",
        )
    for line in lines:
        store.insert("item", line)
    return lines


def replace(session: dict[str, Any], given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The `line_items` of an update: those named by id are kept, the others go, new ones come.

    Only a named line's quantity and metadata can change. Source: Stripe's "Dynamically update
    line items".
    """
    kept = {line["id"]: line for line in of(session)}
    named = {item["id"] for item in given if item.get("id")}
    for unknown in named - kept.keys():
        raise ApiError(400, f"No such line item: '{unknown}'", code="resource_missing")
    for line in kept.values():
        if line["id"] not in named:
            store.delete(line)
    new = []
    for item in given:
        if item.get("id"):
            line = kept[item["id"]]
            line["quantity"] = item.get("quantity", line["quantity"])
            line["metadata"] = item.get("metadata") or line["metadata"]
            store.save(line)
        else:
            new.append(item)
    if new:
        build(session, new)
    return of(session)


def set_quantity(line: dict[str, Any], quantity: int) -> None:
    """Change an adjustable line's quantity; ValueError when it is out of its bounds."""
    lowest, highest = bounds(line)
    if not lowest <= quantity <= highest:
        raise ValueError(f"Choose a quantity from {lowest} to {highest}.")
    line["quantity"] = quantity
    store.save(line)


def bounds(line: dict[str, Any]) -> tuple[int, int]:
    """The least and the largest quantity a buyer may choose. Stripe's defaults are 0 and 99."""
    adjustable = line["adjustable_quantity"] or {}
    lowest, highest = adjustable.get("minimum"), adjustable.get("maximum")
    return max(lowest or 0, 1), highest if highest is not None else 99


def _line(session: dict[str, Any], item: dict[str, Any], where: str) -> dict[str, Any]:
    price = _price(item, where)
    if not price["active"] and "price" in item:
        raise ApiError(
            400,
            "The price specified is inactive. This field only accepts active prices.",
            param=f"{where}[price]",
        )
    session["currency"] = session["currency"] or price["currency"]
    if pricing.in_currency(price, session["currency"]) is None:
        raise ApiError(
            400,
            f"The price specified only supports `{price['currency']}`. This doesn't match the "
            f"expected currency: `{session['currency']}`.",
            param=f"{where}[price]",
        )
    if price["recurring"] and session["mode"] == "payment":
        raise ApiError(
            400,
            "You specified `payment` mode but passed a recurring price. Either switch to "
            "`subscription` mode or use only one-time prices.",
        )
    metered = not pricing.is_licensed(price)
    if not metered and item.get("quantity") is None and not item.get("adjustable_quantity"):
        raise ApiError(
            400,
            f"Quantity is required. Add `quantity` to `{where}`.",
            code="parameter_missing",
            param=f"{where}[quantity]",
        )
    for rate in item.get("tax_rates") or []:
        store.need("tax_rate", rate, f"{where}[tax_rates]")
    product = store.get("product", price["product"])
    adjustable = item.get("adjustable_quantity")
    return blank(
        "item",
        id=new_id("li"),
        price=price,
        quantity=None if metered else item.get("quantity", 1),
        currency=session["currency"],
        description=product["name"],
        metadata=item.get("metadata") or {},
        adjustable_quantity=part("item", "adjustable_quantity", **adjustable)
        if adjustable
        else None,
        _session=session["id"],
        _tax_rates=item.get("tax_rates") or [],
    )


def _price(item: dict[str, Any], where: str) -> dict[str, Any]:
    if bool(item.get("price")) == bool(item.get("price_data")):
        raise ApiError(
            400,
            "You must specify exactly one of `price` or `price_data`.",
            param=f"{where}[price]",
        )
    if item.get("price"):
        return store.need("price", item["price"], f"{where}[price]")
    data = dict(item["price_data"])
    if "product" not in data:
        data["product"] = _product(data.pop("product_data", None), where)["id"]
    price = items.price_from({"price_data": data}, None, where)
    # Stripe keeps such prices archived, yet what is bought with them may be billed.
    price["_inline"] = True
    return store.save(price)


def _product(data: dict[str, Any] | None, where: str) -> dict[str, Any]:
    if not data:
        name = f"{where}[price_data][product]"
        raise ApiError(
            400, f"Missing required param: {name}.", code="parameter_missing", param=name
        )
    product = blank(
        "product",
        id=new_id("prod", 14),
        active=True,
        name=data["name"],
        description=data.get("description"),
        images=data.get("images") or [],
        metadata=data.get("metadata") or {},
        type="service",
        unit_label=data.get("unit_label"),
        updated=clock.now(),
    )
    store.insert("product", product)
    emit("product.created", product)
    return product

"""Invoice items made by hand: one-off charges and credits."""

from fractions import Fraction

from sandbox import clock
from sandbox.engine import discounting, items, lines, pricing
from sandbox.engine.money import decimal_string, round_to
from sandbox.errors import ApiError
from sandbox.events import emit
from sandbox.schema import blank
from sandbox.store import new_id, store


def new_entry(customer: dict, params: dict, subscription: str | None = None) -> dict:
    """A stored, pending invoice item from `amount`, `unit_amount_decimal` or a one-time price.

    ApiError 400 when the amount or currency is missing or the price is a recurring one.
    """
    quantity = params.get("quantity", 1)
    amount, currency, price, each = _amount(params, quantity, customer)
    now = clock.now()
    period = params.get("period") or {"start": now, "end": now}
    entry = blank(
        "invoiceitem",
        id=new_id("ii"),
        amount=amount,
        currency=currency,
        customer=customer["id"],
        date=now,
        description=params.get("description") or (price and items.product_name(price)),
        discountable=params.get("discountable", amount >= 0),
        metadata=dict(params.get("metadata") or {}),
        period={"start": period["start"], "end": period["end"]},
        pricing=lines.pricing_of(price, each)
        if price
        else {"price_details": None, "type": "price_details", "unit_amount_decimal": each},
        proration=False,
        quantity=quantity,
        quantity_decimal=str(quantity),
        tax_rates=items.tax_rates(params.get("tax_rates")),
    )
    if subscription:
        entry["parent"] = {
            "subscription_details": {"subscription": subscription, "subscription_item": None},
            "type": "subscription_details",
        }
    entry["discounts"] = discounting.create(
        params.get("discounts"), customer, invoice_item=entry["id"]
    )
    if not entry["discountable"]:
        entry["net_amount"] = amount
    store.insert("invoiceitem", entry)
    emit("invoiceitem.created", entry)
    return entry


def reprice(entry: dict, params: dict) -> None:
    """Give a pending invoice item another amount, quantity or price."""
    customer = store.get("customer", entry["customer"])
    quantity = params.get("quantity", entry["quantity"])
    given = {"currency": entry["currency"], **params}
    if set(params) & {"amount", "pricing", "price_data", "unit_amount_decimal"} == set():
        given["unit_amount_decimal"] = entry["pricing"]["unit_amount_decimal"]
    amount, _, price, each = _amount(given, quantity, customer)
    entry.update(amount=amount, quantity=quantity, quantity_decimal=str(quantity))
    entry["pricing"] = (
        lines.pricing_of(price, each)
        if price
        else {**entry["pricing"], "unit_amount_decimal": each}
    )


def _amount(params: dict, quantity: int, customer: dict) -> tuple[int, str, dict | None, str]:
    """Amount, currency, price and unit amount as a decimal string."""
    price = _price(params)
    if price:
        currency = (params.get("currency") or price["currency"]).lower()
        items.check_currency(price, currency, "pricing[price]")
        return (
            pricing.amount(price, quantity, currency),
            currency,
            price,
            pricing.unit_amount_decimal(price, currency) or "0",
        )
    currency = (params.get("currency") or customer["currency"] or "").lower()
    if not currency:
        raise ApiError(
            400, "Missing required param: currency.", code="parameter_missing", param="currency"
        )
    unit = params.get("unit_amount_decimal", params.get("unit_amount"))
    if unit is not None:
        exact = Fraction(str(unit))
        return round_to(exact * quantity, currency), currency, None, decimal_string(exact)
    if params.get("amount") is None:
        raise ApiError(
            400,
            "You must provide either an amount, a unit_amount_decimal or a price.",
            code="parameter_missing",
            param="amount",
        )
    amount = params["amount"]
    each = decimal_string(Fraction(amount, quantity)) if quantity else "0"
    return amount, currency, None, each


def _price(params: dict) -> dict | None:
    if params.get("price_data"):
        return items.price_from(params, None, "price_data")
    id = params.get("price") or (params.get("pricing") or {}).get("price")
    if not id:
        return None
    price = store.need("price", id, "price")
    if price["type"] != "one_time":
        raise ApiError(
            400,
            "The price specified is set to `type=recurring` but this field only accepts prices "
            "with `type=one_time`.",
            param="price",
        )
    return price

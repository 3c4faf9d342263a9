"""Subscription items: their price, period and what was billed for it."""

from sandbox.engine import discounting, pricing
from sandbox.engine.calendar import period
from sandbox.engine.discounts import Reduction, net
from sandbox.errors import ApiError
from sandbox.protocol.rendering import sublist
from sandbox.schema import blank
from sandbox.store import new_id, store


@sublist("subscription", "items")
def of(subscription: dict) -> list[dict]:
    """The subscription's items, oldest first."""
    if "_items" in subscription:
        return subscription["_items"]
    return store.all("subscription_item", subscription=subscription["id"])


def price_from(spec: dict, currency: str | None, param: str) -> dict:
    """The active recurring price that `price`, `plan` or `price_data` names.

    ApiError 400 for an archived, one-time or foreign-currency price. An archived one goes on
    where a schedule set it down (`_set_down`) before it was archived.
    """
    if spec.get("price_data"):
        return _inline(spec["price_data"])
    id = spec.get("price") or spec.get("plan")
    if not id:
        raise ApiError(
            400, f"Missing required param: {param}[price].", code="parameter_missing",
            param=f"{param}[price]",
        )  # fmt: skip
    price = store.need("price", id, f"{param}[price]")
    if not price["active"] and not price.get("_inline") and not spec.get("_set_down"):
        raise ApiError(
            400,
            "The price specified is inactive. This field only accepts active prices.",
            param=f"{param}[price]",
        )
    if price["type"] != "recurring":
        raise ApiError(
            400,
            "The price specified is set to `type=one_time` but this field only accepts prices "
            "with `type=recurring`.",
            param=f"{param}[price]",
        )
    if not pricing.is_licensed(price):
        raise ApiError(
            400,
            "The sandbox does not bill usage: metered prices cannot be subscribed to.",
            param=f"{param}[price]",
        )
    check_currency(price, currency, f"{param}[price]")
    return price


def check_currency(price: dict, currency: str | None, param: str) -> None:
    """ApiError 400 when the price has no amount in `currency`."""
    if currency and pricing.in_currency(price, currency) is None:
        raise ApiError(
            400,
            f"The price specified only supports `{price['currency']}`. This doesn't match the "
            f"expected currency: `{currency}`.",
            param=param,
        )


def _inline(data: dict) -> dict:
    """A price made for this one use; archived, as Stripe keeps such prices."""
    store.need("product", data["product"], "price_data[product]")
    amount = data.get("unit_amount_decimal", data.get("unit_amount"))
    if amount is None:
        raise ApiError(
            400, "Missing required param: price_data[unit_amount].", code="parameter_missing"
        )
    recurring = data.get("recurring")
    whole = amount == int(amount)
    price = blank(
        "price",
        id=new_id("price"),
        active=False,
        billing_scheme="per_unit",
        currency=data["currency"].lower(),
        product=data["product"],
        tax_behavior=data.get("tax_behavior", "unspecified"),
        type="recurring" if recurring else "one_time",
        unit_amount=int(amount) if whole else None,
        unit_amount_decimal=format(amount, "f") if not isinstance(amount, int) else str(amount),
    )
    if recurring:
        price["recurring"] = {
            "interval": recurring["interval"],
            "interval_count": recurring.get("interval_count", 1),
            "meter": None,
            "trial_period_days": None,
            "usage_type": "licensed",
        }
    return store.insert("price", price)


def plan_of(price: dict) -> dict:
    """The price in the shape of Stripe's older plan object, which items still carry."""
    recurring = price["recurring"]
    decimal = price["unit_amount_decimal"]
    return blank(
        "plan",
        id=price["id"],
        active=price["active"],
        amount=price["unit_amount"],
        amount_decimal=decimal,
        billing_scheme=price["billing_scheme"],
        created=price["created"],
        currency=price["currency"],
        interval=recurring["interval"],
        interval_count=recurring["interval_count"],
        metadata=price["metadata"],
        nickname=price["nickname"],
        product=price["product"],
        tiers_mode=price["tiers_mode"],
        usage_type=recurring["usage_type"],
    )


def tax_rates(ids: list[str] | str | None, param: str = "tax_rates") -> list[dict]:
    """The tax rates an id list names."""
    return [store.need("tax_rate", id, param) for id in ids or []]


def build(subscription: dict, spec: dict, customer: dict, param: str, at: int) -> dict:
    """A new, unstored item from `items[]`, its period the one around `at`."""
    price = price_from(spec, subscription["currency"], param)
    item = blank(
        "subscription_item",
        id=new_id("si"),
        subscription=subscription["id"],
        price=price,
        plan=plan_of(price),
        quantity=spec.get("quantity", 1),
        metadata=dict(spec.get("metadata") or {}),
        tax_rates=tax_rates(spec.get("tax_rates"), f"{param}[tax_rates]"),
        _billed=None,
    )
    item["discounts"] = discounting.create(
        spec.get("discounts"),
        customer,
        subscription=subscription["id"],
        subscription_item=item["id"],
    )
    set_period(item, subscription["billing_cycle_anchor"], at)
    return item


def set_price(item: dict, price: dict) -> None:
    """Move the item to another price; its period stays."""
    item.update(price=price, plan=plan_of(price))


def set_period(item: dict, anchor: int, at: int) -> None:
    """Give the item the billing period around `at`."""
    start, end = full_period(item, anchor, at)
    item.update(current_period_start=max(start, 0), current_period_end=end)


def full_period(item: dict, anchor: int, at: int) -> tuple[int, int]:
    """The whole billing period around `at`, even where the item joined in the middle of it."""
    recurring = item["price"]["recurring"]
    return period(anchor, recurring["interval"], recurring["interval_count"], at)


def amount(item: dict, currency: str) -> int:
    """What a whole period costs, before discounts and tax."""
    return pricing.amount(item["price"], item["quantity"] or 0, currency)


def net_amount(item: dict, subscription: dict, at: int) -> int:
    """What a whole period costs after the discounts in force at `at`."""
    reductions = reductions_of(item, subscription, at)
    currency = subscription["currency"]
    return net(amount(item, currency), item["price"]["product"], reductions, currency)


def reductions_of(item: dict, subscription: dict, at: int) -> list[Reduction]:
    """The discounts in force at `at` that count for the item, its own first."""
    ids = [*item["discounts"], *subscription["discounts"]]
    product = item["price"]["product"]
    return [one for one in discounting.reductions(ids, at) if one.covers(product)]


def interval(item: dict) -> tuple[str, int]:
    """("month", 1)."""
    return item["price"]["recurring"]["interval"], item["price"]["recurring"]["interval_count"]


def product_name(price: dict) -> str:
    """The name of the price's product, for descriptions."""
    product = store.find("product", price["product"])
    return product["name"] if product else price["product"]

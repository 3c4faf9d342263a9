"""The amounts of a price: what may be changed here, and the price that others would make."""

from __future__ import annotations

from billing.pricing import Cadence, buyable_prices
from models import Price, PriceChange


def amounts_of(price: Price) -> dict[str, int]:
    """What one costs in every currency that has a single whole amount, minor units."""
    found = {code: price.unit_amount_in(code) for code in price.currencies}
    return {code: amount for code, amount in found.items() if amount is not None}


def obstacle(price: Price) -> str | None:
    """Why this price cannot be changed here: one of not_recurring, usage, tiers, fractions, gone,
    last (an archived price without a successor to move to); None when it can."""
    if price.deleted_at is not None:
        return "gone"
    if not price.is_recurring:
        return "not_recurring"
    if price.usage_type == "metered":
        return "usage"
    if price.billing_scheme == "tiered":
        return "tiers"
    if len(amounts_of(price)) != len(price.currencies):
        return "fractions"
    if not price.active and successor(price) is None:
        return "last"
    return None


def successor(price: Price) -> Price | None:
    """Where those who were kept on an archived price can be moved to: the plan's present price
    of the same cadence; None for a price still on sale, or where none is sold in its currencies."""
    if price.active or price.product is None:
        return None
    for other in buyable_prices(price.product):
        fits = Cadence.of(other) == Cadence.of(price) and obstacle(other) is None
        if fits and set(price.currencies) <= set(other.currencies):
            return other
    return None


def prospective(change: PriceChange, price: Price) -> Price:
    """The price that the change would make, for working out amounts; it is in no session."""
    amounts = change.new_amounts
    return Price(
        stripe_id="",
        data={"transform_quantity": price.data.get("transform_quantity")},
        product_id=price.product_id,
        active=True,
        type=price.type,
        currency=price.currency,
        unit_amount=amounts[price.currency],
        unit_amount_decimal=str(amounts[price.currency]),
        billing_scheme=price.billing_scheme,
        currency_options={
            code: {"unit_amount": amount, "unit_amount_decimal": str(amount)}
            for code, amount in amounts.items()
        },
        interval=price.interval,
        interval_count=price.interval_count,
        usage_type=price.usage_type,
        tax_behavior=price.tax_behavior,
    )

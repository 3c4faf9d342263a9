"""What a price costs for a quantity."""

from fractions import Fraction
from math import ceil, floor

from sandbox.engine.money import decimal_string, round_to


def in_currency(price: dict, currency: str) -> dict | None:
    """The part of `price` that is in `currency`: the price itself, one of its currency options,
    or None when it has no amount in that currency."""
    if price["currency"] == currency:
        return price
    options = price.get("currency_options") or {}
    return options.get(currency)


def unit_amount(price: dict, currency: str) -> Fraction | None:
    """The exact price of one unit in minor units, or None for a tiered price."""
    option = in_currency(price, currency) or {}
    if option.get("unit_amount_decimal") is not None:
        return Fraction(str(option["unit_amount_decimal"]))
    return None if option.get("unit_amount") is None else Fraction(option["unit_amount"])


def unit_amount_decimal(price: dict, currency: str) -> str | None:
    """`unit_amount` as Stripe's decimal string."""
    amount = unit_amount(price, currency)
    return None if amount is None else decimal_string(amount)


def amount(price: dict, quantity: int, currency: str) -> int:
    """The whole period's amount in minor units, rounded once at the end."""
    quantity = _transformed(price, quantity)
    if price.get("billing_scheme") == "tiered":
        option = in_currency(price, currency) or {}
        tiers = option.get("tiers") or price.get("tiers") or price.get("_tiers") or []
        volume = price.get("tiers_mode") == "volume"
        exact = _volume(tiers, quantity) if volume else _graduated(tiers, quantity)
    else:
        exact = (unit_amount(price, currency) or Fraction(0)) * quantity
    return round_to(exact, currency)


def is_licensed(price: dict) -> bool:
    """False for metered prices, which are billed by usage and not by quantity."""
    return (price.get("recurring") or {}).get("usage_type", "licensed") == "licensed"


def _transformed(price: dict, quantity: int) -> int:
    transform = price.get("transform_quantity")
    if not transform:
        return quantity
    packs = Fraction(quantity, transform["divide_by"])
    return ceil(packs) if transform["round"] == "up" else floor(packs)


def _cost(tier: dict, units: int) -> Fraction:
    def exact(name: str) -> Fraction:
        value = tier.get(f"{name}_decimal")
        return Fraction(str(value if value is not None else tier.get(name) or 0))

    return exact("unit_amount") * units + exact("flat_amount")


def _volume(tiers: list[dict], quantity: int) -> Fraction:
    for tier in tiers:
        if tier["up_to"] is None or quantity <= tier["up_to"]:
            return _cost(tier, quantity)
    return Fraction(0)


def _graduated(tiers: list[dict], quantity: int) -> Fraction:
    total, billed = Fraction(0), 0
    for tier in tiers:
        top = quantity if tier["up_to"] is None else min(quantity, tier["up_to"])
        # A first tier's flat fee is due even for a quantity of zero.
        if top > billed or billed == quantity == 0:
            total += _cost(tier, top - billed)
        billed = max(billed, top)
        if billed >= quantity:
            break
    return total

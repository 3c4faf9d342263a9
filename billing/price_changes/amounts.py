"""The amounts of a price: what may be changed here, typed amounts, and the price they would make."""

from __future__ import annotations

import re
from decimal import Decimal

from billing.money import digits, exponent
from billing.pricing import Cadence, buyable_prices
from models import Price, PriceChange

# Stripe takes eight digits for most currencies (its docs, "Minimum and maximum charge amounts").
MOST = 99_999_999


class NotAnAmount(ValueError):
    """What was typed is no amount of the currency; the message says why."""


def typed(text: str, currency: str) -> int:
    """Minor units of an amount as somebody types it: "49", "49.50", "1,200.00".

    Raises NotAnAmount for more digits than the currency has, for nothing, and for too much.
    """
    plain = text.strip().replace("\N{NO-BREAK SPACE}", "")
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", plain):
        plain = plain.replace(",", "")
    if not re.fullmatch(r"\d{1,10}(\.\d+)?", plain):
        raise NotAnAmount(f"Enter an amount in {currency.upper()}, such as {example(currency)}.")
    value = Decimal(plain)
    places = digits(currency)
    if value != round(value, places):
        few = "no decimals" if not places else f"{places} decimals at most"
        raise NotAnAmount(f"{currency.upper()} has {few}, such as {example(currency)}.")
    minor = value.scaleb(exponent(currency))
    if exponent(currency) == 3 and minor % 10:
        # Stripe's docs, "Three-decimal currencies": the last digit is always 0.
        raise NotAnAmount(f"Stripe charges {currency.upper()} in steps of 0.010.")
    if minor == 0:
        raise NotAnAmount("A price of nothing is another plan. Enter more than 0.")
    if minor > MOST:
        raise NotAnAmount("That is more than Stripe can charge at once.")
    return int(minor)


def example(currency: str) -> str:
    return {0: "4900", 2: "49.00", 3: "4.900"}[digits(currency)]


def as_typed(amount: int, currency: str) -> str:
    """Minor units as one types them: "49.00"."""
    return f"{Decimal(amount).scaleb(-exponent(currency)):.{digits(currency)}f}"


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

"""Minor units and a currency, as text. Amounts are integers until here; never floats."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from babel import Locale
from babel.numbers import (
    NumberFormatError,
    format_compact_currency,
    format_currency,
    format_decimal,
    get_currency_symbol,
    parse_decimal,
)

# Stripe's docs, "Supported currencies", zero-decimal and three-decimal.
ZERO_DECIMAL = frozenset(
    (
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "JPY",
        "KMF",
        "KRW",
        "MGA",
        "PYG",
        "RWF",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    )
)
THREE_DECIMAL = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
# Sent with two decimals, though in use they have none: 500 is 5.
WHOLE_IN_USE = frozenset({"ISK", "UGX"})
# Stripe's docs, "Minimum and maximum charge amounts", in minor units.
MINIMUM_CHARGES = {
    "USD": 50, "AED": 200, "AUD": 50, "BGN": 100, "BRL": 50, "CAD": 50, "CHF": 50, "CZK": 1500,
    "DKK": 250, "EUR": 50, "GBP": 30, "HKD": 400, "HUF": 17500, "INR": 50, "JPY": 50, "MXN": 1000,
    "MYR": 200, "NOK": 300, "NZD": 50, "PLN": 200, "RON": 200, "SEK": 300, "SGD": 50, "THB": 1000,
}  # fmt: skip
MINUS = "\N{MINUS SIGN}"
# Stripe's docs, "Minimum and maximum charge amounts": twelve digits where it takes the most.
LARGEST = 10**12 - 1


class NotAnAmount(ValueError):
    """What was typed is no amount of the currency; the message says how one is written."""


def exponent(currency: str) -> int:
    """How many decimals Stripe's minor unit of `currency` has: 0, 2 or 3."""
    code = currency.upper()
    return 0 if code in ZERO_DECIMAL else 3 if code in THREE_DECIMAL else 2


def minimum_charge(currency: str) -> int:
    """The least Stripe charges in `currency`, minor units; 0 where it names none."""
    return MINIMUM_CHARGES.get(currency.upper(), 0)


def to_decimal(amount: int, currency: str) -> Decimal:
    """Minor units as an exact decimal of the currency: 39200 usd is Decimal("392.00")."""
    return Decimal(amount).scaleb(-exponent(currency))


def digits(currency: str) -> int:
    """How many decimals people read in `currency`."""
    return 0 if currency.upper() in WHOLE_IN_USE else exponent(currency)


def parse(typed: str, currency: str, *, locale: str = "en_US") -> int:
    """Minor units of `currency` for an amount typed as `locale` writes it: "1,234.50" in English.

    A currency sign or code beside it is passed over. Raises NotAnAmount, with words for the
    reader, for anything else, for more decimals than people read in the currency, and for
    thousandths that Stripe does not take (it rounds three-decimal currencies to ten).
    """
    code = currency.upper()
    bare = re.sub(r"[\s\u00a0\u202f]", "", typed)
    for sign in (code, get_currency_symbol(code, locale=locale)):
        bare = bare.removeprefix(sign).removesuffix(sign)
    example = plain(
        123450 if digits(code) == 2 else 1234 * 10 ** exponent(code), code, locale=locale
    )
    try:
        # Strict reading still knows 1e3, NaN and digits of other scripts.
        if not re.fullmatch(r"-?[0-9.,'\u2019]+", bare):
            raise NumberFormatError(bare)
        value = parse_decimal(bare, locale=locale, strict=True)
    except (NumberFormatError, InvalidOperation):
        raise NotAnAmount(f"Write an amount such as {example}.") from None
    if value < 0:
        raise NotAnAmount("An amount cannot be below zero.")
    if value > LARGEST:
        raise NotAnAmount("That is more than can be charged.")
    if value != round(value, digits(code)):
        most = digits(code)
        raise NotAnAmount(
            f"{code} has {most} decimals: write it such as {example}."
            if most
            else f"{code} has no decimals: write it such as {example}."
        )
    amount = int(value.scaleb(exponent(code)))
    if exponent(code) == 3 and amount % 10:
        raise NotAnAmount(f"Payments in {code} are rounded to the hundredth, so end it in 0.")
    if amount > LARGEST:
        raise NotAnAmount("That is more than can be charged.")
    return amount


def plain(amount: int, currency: str, *, locale: str = "en_US") -> str:
    """The amount without its currency, as `parse` reads it: "1,234.50"."""
    places = digits(currency)
    pattern = "#,##0." + "0" * places if places else "#,##0"
    return str(format_decimal(to_decimal(amount, currency), format=pattern, locale=locale))


def text(amount: int, currency: str, *, locale: str = "en_US", trim: bool = False) -> str:
    """The amount with its currency as `locale` writes it, such as "$392.00".

    `trim` leaves out a zero fraction, as price tags do: "$49". Negative amounts carry a true
    minus sign in front.
    """
    value = to_decimal(amount, currency)
    places = digits(currency)
    if trim and value == value.to_integral_value():
        places = 0
    if value != round(value, places):
        places = exponent(currency)
    return _format(value, currency, places, locale)


def decimal_text(
    unit_amount_decimal: str | Decimal, currency: str, *, locale: str = "en_US"
) -> str:
    """A price in fractions of a minor unit, such as "0.5" cents, with all its digits: "$0.005"."""
    value = Decimal(unit_amount_decimal).scaleb(-exponent(currency)).normalize()
    fraction = -int(value.as_tuple().exponent)
    return _format(value, currency, max(digits(currency), fraction), locale)


def compact(amount: int, currency: str, *, locale: str = "en_US") -> str:
    """The amount in few letters, for an axis or a crowded table: "$1.2K", "$49"."""
    value = to_decimal(abs(amount), currency)
    places = 0 if value < 1000 else 1
    shown = format_compact_currency(
        round(value) if value < 1000 else value,
        currency.upper(),
        locale=locale,
        fraction_digits=places,
    )
    return MINUS + shown if amount < 0 else shown


def _format(value: Decimal, currency: str, places: int, locale: str) -> str:
    pattern = Locale.parse(locale).currency_formats["standard"].pattern.split(";")[0]
    if get_currency_symbol(currency.upper(), locale=locale)[-1:].isalpha():
        # CLDR's rule for symbols that end in a letter: "KWD 5.120", but "$5".
        pattern = pattern.replace("\u00a4#", "\u00a4\u00a0#")
    fraction = "." + "0" * places if places else ""
    shown = format_currency(
        abs(value),
        currency.upper(),
        format=re.sub(r"\.0+", fraction, pattern),
        locale=locale,
        currency_digits=False,
    )
    return MINUS + shown if value < 0 else shown

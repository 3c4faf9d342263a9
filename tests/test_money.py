"""Minor units become text in the currency's own digits and the reader's locale."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import money

NBSP = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "shown"),
    [
        (39200, "usd", "en_US", "$392.00"),
        (-14373, "usd", "en_US", f"{money.MINUS}$143.73"),
        (0, "usd", "en_US", "$0.00"),
        (500, "jpy", "en_US", "¥500"),
        (5120, "kwd", "en_US", f"KWD{NBSP}5.120"),
        # Two-decimal at Stripe, whole in use: 500 is 5, but no fraction is ever hidden.
        (500, "isk", "en_US", f"ISK{NBSP}5"),
        (550, "isk", "en_US", f"ISK{NBSP}5.50"),
        (500, "huf", "en_US", f"HUF{NBSP}5.00"),
        (123456789, "eur", "de_DE", f"1.234.567,89{NBSP}€"),
        (12345678, "inr", "en_IN", "₹1,23,456.78"),
    ],
)
def test_an_amount_reads_as_its_currency_is_written(amount, currency, locale, shown):
    assert money.text(amount, currency, locale=locale) == shown


def test_a_price_tag_leaves_out_a_zero_fraction_only():
    assert money.text(4900, "usd", trim=True) == "$49"
    assert money.text(4950, "usd", trim=True) == "$49.50"


def test_a_price_in_fractions_of_a_cent_keeps_every_digit():
    assert money.decimal_text("0.5", "usd") == "$0.005"
    assert money.decimal_text("1900", "usd") == "$19.00"


@given(
    amount=st.integers(min_value=-(10**14), max_value=10**14),
    currency=st.sampled_from(["usd", "eur", "jpy", "kwd", "isk", "ugx", "huf", "twd", "clp"]),
    locale=st.sampled_from(["en_US", "en_GB"]),
)
def test_no_digit_is_lost_or_invented_between_minor_units_and_text(amount, currency, locale):
    shown = money.text(amount, currency, locale=locale)
    digits = shown.replace(money.MINUS, "-").replace(",", "")
    number = Decimal("".join(char for char in digits if char in "-.0123456789"))
    assert number.scaleb(money.exponent(currency)) == amount


@pytest.mark.parametrize(
    ("typed", "currency", "amount"),
    [
        ("12.50", "usd", 1250),
        (" 12.5 ", "usd", 1250),
        ("12", "usd", 1200),
        ("0", "usd", 0),
        ("12.500", "usd", 1250),
        ("500", "jpy", 500),
        ("5.12", "kwd", 5120),
        ("5.120", "kwd", 5120),
        ("5", "isk", 500),
        ("17.50", "huf", 1750),
    ],
)
def test_what_is_typed_is_minor_units_of_its_currency(typed, currency, amount):
    assert money.parse(typed, currency) == amount
    assert money.parse(money.plain(amount, currency), currency) == amount


@pytest.mark.parametrize(
    ("typed", "currency"),
    [
        ("", "usd"),
        ("-1", "usd"),
        ("1,50", "usd"),
        ("$5", "usd"),
        ("1.005", "usd"),
        ("1e3", "usd"),
        ("\u0661\u0662", "usd"),
        ("1.5", "jpy"),
        ("5.125", "kwd"),
        ("5.5", "isk"),
        ("9" * 13, "usd"),
    ],
)
def test_what_is_no_amount_of_the_currency_is_refused(typed, currency):
    with pytest.raises(ValueError, match=r"Enter an amount|has|takes"):
        money.parse(typed, currency)

"""Minor units become text in the currency's own digits and the reader's locale."""

import re
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
    ("typed", "currency", "locale", "amount"),
    [
        ("49", "usd", "en_US", 4900),
        ("$1,234.50", "usd", "en_US", 123450),
        ("49.5 USD", "usd", "en_GB", 4950),
        ("1.234,50", "eur", "de_DE", 123450),
        ("1 234,50 €", "eur", "fr_FR", 123450),
        ("0", "usd", "en_US", 0),
        ("7,400", "jpy", "en_US", 7400),
        ("5.12", "kwd", "en_US", 5120),
        ("5.120", "kwd", "en_US", 5120),
        ("500", "isk", "en_US", 50000),
    ],
)
def test_an_amount_is_read_as_its_reader_writes_it(typed, currency, locale, amount):
    assert money.parse(typed, currency, locale=locale) == amount
    written = money.plain(amount, currency, locale=locale)
    assert money.parse(written, currency, locale=locale) == amount


@pytest.mark.parametrize(
    ("typed", "currency", "locale", "said"),
    [
        ("", "usd", "en_US", "Write an amount such as 1,234.50."),
        ("49,5", "usd", "en_US", "such as 1,234.50"),
        ("49.50", "eur", "de_DE", "such as 1.234,50"),
        ("abc", "usd", "en_US", "Write an amount"),
        ("NaN", "usd", "en_US", "Write an amount"),
        ("1e3", "usd", "en_US", "Write an amount"),
        ("\u0664\u0669", "usd", "en_US", "Write an amount"),
        ("-5", "usd", "en_US", "cannot be below zero"),
        ("4.999", "usd", "en_US", "USD has 2 decimals"),
        ("10.50", "jpy", "en_US", "JPY has no decimals: write it such as 1,234."),
        ("1.50", "isk", "en_US", "ISK has no decimals"),
        ("5.125", "kwd", "en_US", "end it in 0"),
        ("99,999,999,999,999", "usd", "en_US", "more than can be charged"),
    ],
)
def test_what_is_no_amount_of_the_currency_is_refused_in_words(typed, currency, locale, said):
    with pytest.raises(money.NotAnAmount, match=re.escape(said)):
        money.parse(typed, currency, locale=locale)

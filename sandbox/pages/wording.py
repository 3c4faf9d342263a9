"""Dates, prices and payment methods as the pages word them, in English and UTC."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

from babel import Locale

from sandbox.engine import pricing
from sandbox.engine.calendar import moment
from sandbox.engine.money import decimal_string
from sandbox.engine.wording import money

NONE = "\N{EN DASH}"
BRANDS = {
    "amex": "American Express",
    "diners": "Diners Club",
    "discover": "Discover",
    "jcb": "JCB",
    "mastercard": "Mastercard",
    "unionpay": "UnionPay",
    "visa": "Visa",
}
KINDS = {
    "invoiceitem": "Invoice item",
    "item": "Checkout line item",
    "tax_id": "Tax ID",
    "test_helpers.test_clock": "Test clock",
}
MARKS = {"amex": "Amex", "mastercard": "MC", "unionpay": "UP", "discover": "Disc", "diners": "DC"}
TONES = {
    "active": "good",
    "complete": "good",
    "enabled": "good",
    "paid": "good",
    "ready": "good",
    "succeeded": "good",
    "trialing": "good",
    "past_due": "bad",
    "failed": "bad",
    "uncollectible": "bad",
    "unpaid": "bad",
    "internal_failure": "bad",
    "advancing": "warn",
    "incomplete": "warn",
    "open": "warn",
    "paused": "warn",
    "pending": "warn",
    "processing": "warn",
    "requires_action": "warn",
    "requires_payment_method": "warn",
}


def day(timestamp: int | None) -> str:
    """A date as in "3 May 2026"; a dash for none."""
    if timestamp is None:
        return NONE
    at = moment(timestamp)
    return f"{at.day} {at:%B %Y}"


def minute(timestamp: int | None) -> str:
    """A time as in "3 May 2026, 14:05 UTC"."""
    return NONE if timestamp is None else f"{day(timestamp)}, {moment(timestamp):%H:%M} UTC"


def span(seconds: int) -> str:
    """A length of time in its largest unit, rounded down: "6 days", "1 hour", "no time"."""
    for name, length in (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds >= length:
            count = seconds // length
            return f"{count:,} {name}{'' if count == 1 else 's'}"
    return "no time"


def every(recurring: dict[str, Any]) -> str:
    """ "per month", "every 3 months"."""
    count, interval = recurring["interval_count"], recurring["interval"]
    return f"per {interval}" if count == 1 else f"every {count} {interval}s"


def price(doc: dict[str, Any], currency: str) -> str:
    """A price of one unit with its interval: "$29.00 per month"."""
    each = pricing.unit_amount(doc, currency)
    text = "price by quantity" if each is None else money(Decimal(decimal_string(each)), currency)
    return f"{text} {every(doc['recurring'])}" if doc["recurring"] else text


def brand_mark(method: dict[str, Any]) -> str:
    """The few letters on a payment method's mark."""
    if method["type"] != "card":
        return {"us_bank_account": "ACH", "sepa_debit": "SEPA"}.get(method["type"], "Pay")
    return MARKS.get(method["card"]["brand"], method["card"]["brand"])


def method_name(method: dict[str, Any]) -> str:
    """ "Visa ending 4242"."""
    if method["type"] == "card":
        brand = method["card"]["brand"]
        return f"{BRANDS.get(brand, brand.title())} ending {method['card']['last4']}"
    if method["type"] in ("us_bank_account", "sepa_debit"):
        name = "Bank account" if method["type"] == "us_bank_account" else "SEPA account"
        return f"{name} ending {method[method['type']]['last4']}"
    return method["type"].replace("_", " ").capitalize()


def method_detail(method: dict[str, Any]) -> str:
    """The line below its name: a card's expiry."""
    if method["type"] == "card":
        return f"Expires {method['card']['exp_month']:02d}/{method['card']['exp_year']}"
    return ""


def tone(status: str) -> str:
    """The colour of a status' badge: good, bad, warn or none."""
    return TONES.get(status, "")


def words(status: str) -> str:
    """A status value as words: "past_due" is "Past due"."""
    return status.replace("_", " ").capitalize()


def kind_name(kind: str) -> str:
    """Stripe's `object` string as a heading: "checkout.session" is "Checkout sessions"."""
    name = KINDS.get(kind) or words(kind.replace(".", "_"))
    return f"{name}s"


@cache
def countries() -> list[tuple[str, str]]:
    """Every country's two-letter code and English name, by name."""
    pseudo = {"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"}
    names = Locale("en").territories
    found = [(code, names[code]) for code in names if len(code) == 2 and code not in pseudo]
    return sorted(found, key=lambda pair: pair[1])

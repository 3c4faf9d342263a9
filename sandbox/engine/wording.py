"""The descriptions that Stripe writes on invoice lines."""

from decimal import Decimal

from babel.numbers import format_currency

from sandbox.engine.calendar import moment
from sandbox.engine.money import exponent
from sandbox.engine.pricing import unit_amount

TIMES = "\N{MULTIPLICATION SIGN}"


def money(amount: int | Decimal, currency: str) -> str:
    """`2900, "usd"` as "$29.00"."""
    value = Decimal(amount).scaleb(-exponent(currency))
    return format_currency(value, currency.upper(), locale="en_US")


def day(timestamp: int) -> str:
    """A date as in "after 09 Nov 2026"."""
    return moment(timestamp).strftime("%d %b %Y")


def _every(recurring: dict) -> str:
    count, interval = recurring["interval_count"], recurring["interval"]
    return f"/ {interval}" if count == 1 else f"every {count} {interval}s"


def subscription_line(name: str, price: dict, quantity: int | None, currency: str) -> str:
    """The line of a whole period: quantity, name and, in brackets, the price of one."""
    count = 1 if quantity is None else quantity
    each = unit_amount(price, currency)
    if each is None:
        return f"{count} {TIMES} {name}"
    shown = Decimal(each.numerator) / Decimal(each.denominator)
    return f"{count} {TIMES} {name} (at {money(shown, currency)} {_every(price['recurring'])})"


def several(name: str, quantity: int | None) -> str:
    """The name, led by the quantity when there is more than one."""
    return f"{quantity} {TIMES} {name}" if quantity is not None and quantity != 1 else name


def unused(what: str, at: int) -> str:
    """The credit line of a proration."""
    return f"Unused time on {what} after {day(at)}"


def remaining(what: str, at: int) -> str:
    """The debit line of a proration."""
    return f"Remaining time on {what} after {day(at)}"


def trial(name: str) -> str:
    """The free line of a trial."""
    return f"Trial period for {name}"

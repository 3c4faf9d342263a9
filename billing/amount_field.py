"""A field for an amount of money in one currency, typed as the reader writes it."""

from __future__ import annotations

from typing import Any

from flask_babel import get_locale
from wtforms import StringField
from wtforms.validators import ValidationError

from billing import money


def reader_locale() -> str:
    return str(get_locale() or "en_US")


def read(typed: str, currency: str) -> int:
    """Minor units of what the reader typed. Raises money.NotAnAmount."""
    return money.parse(typed, currency, locale=reader_locale())


def written(amount: int, currency: str) -> str:
    """Minor units as the reader would type them."""
    return money.plain(amount, currency, locale=reader_locale())


class AmountField(StringField):
    """Text that must be an amount of `currency`; `amount` is its minor units, None when empty.

    With `least`, smaller amounts are refused: minor units.
    """

    def __init__(self, label: str, *, currency: str, least: int = 0, **kwargs: Any):
        super().__init__(label, **kwargs)
        self.currency, self.least = currency, least
        self.amount: int | None = None

    def pre_validate(self, form: Any) -> None:
        typed = (self.data or "").strip()
        self.amount = None
        if not typed:
            return
        try:
            amount = read(typed, self.currency)
        except money.NotAnAmount as error:
            raise ValidationError(str(error)) from None
        if amount < self.least:
            least = money.text(self.least, self.currency, locale=reader_locale())
            raise ValidationError(f"The least is {least}.")
        self.amount = amount


def refuse_uncollectable(field: AmountField) -> None:
    """ValidationError for an amount that Stripe never charges; nothing at all is a price too."""
    least = money.minimum_charge(field.currency)
    if field.amount and field.amount < least:
        said = money.text(least, field.currency, locale=reader_locale())
        raise ValidationError(f"Stripe charges no less than {said} at once.")

"""What staff type about a price that a plan does not have yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from babel import Locale
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from billing import plan_steps, pricing
from billing.amount_field import AmountField, refuse_uncollectable
from billing.plan_form import NumberField
from models import Product

INTERVALS = [("week", "weeks"), ("month", "months"), ("year", "years")]
CODES = frozenset(Locale.parse("en").currencies)


def sold_currencies(plans: Sequence[Product]) -> list[str]:
    """The currencies that plans are sold in; US dollars before there is a plan."""
    return pricing.currencies(plans) or ["usd"]


class PriceForm(FlaskForm):
    """How often, and how much in each currency; empty amounts are not sold."""

    count = NumberField("Every", least=1, most=156)
    interval = SelectField("Interval", choices=[SelectChoice(*one) for one in INTERVALS])
    other_currency = StringField("Another currency")
    other_amount = StringField("Amount in it")

    # Set by `form_for`.
    currencies: Sequence[str] = ()

    @property
    def fields(self) -> list[AmountField]:
        return [self[f"amount_{code}"] for code in self.currencies]

    @property
    def amounts(self) -> dict[str, int]:
        """Minor units by currency, once the form is valid; the first is the price's own."""
        found = {f.currency: f.amount for f in self.fields if f.amount is not None}
        if self._other is not None:
            found[self._other.currency] = self._other.amount
        return found

    @property
    def cadence(self) -> pricing.Cadence:
        return plan_steps.cadence(self.interval.data, self.count.number or 1)

    def validate(self, extra_validators: Any = None) -> bool:
        self._other: AmountField | None = None
        good = super().validate(extra_validators)
        good = self._read_other() and good
        if good and not self.amounts:
            first = self.fields[0]
            first.errors = [*first.errors, "Give an amount in one currency at least."]
            return False
        return good

    def validate_count(self, field: NumberField) -> None:
        longest = plan_steps.LONGEST.get(self.interval.data, 0)
        if (field.number or 1) > longest:
            raise ValidationError("Stripe bills every three years at the longest.")

    def _read_other(self) -> bool:
        """The amount in the currency that was named; False with the error at its field."""
        code, typed = (self.other_currency.data or "").strip().lower(), self.other_amount.data
        if not code and not typed:
            return True
        if code.upper() not in CODES:
            self.other_currency.errors = ["Give a currency by its three letters, as in GBP."]
            return False
        if code in self.currencies:
            self.other_currency.errors = ["There is a field for this currency above."]
            return False
        unbound = AmountField("", currency=code, validators=[_charged])
        field = unbound.bind(form=self, name="other_amount")
        field.data, field.raw_data = typed, [typed]
        if not field.validate(self) or field.amount is None:
            self.other_amount.errors = list(field.errors) or ["Give the amount."]
            return False
        self._other = field
        return True


def _charged(_form: Any, field: AmountField) -> None:
    refuse_uncollectable(field)


def form_for(currencies: Sequence[str], formdata: Any = None) -> PriceForm:
    """The form with an amount for each of `currencies`."""
    fields = {
        f"amount_{code}": AmountField(code.upper(), currency=code, validators=[_charged])
        for code in currencies
    }
    kind = type("PriceForm", (PriceForm,), {**fields, "currencies": tuple(currencies)})
    form: PriceForm = kind(formdata, data={"count": "1", "interval": "month"})
    return form


class CurrencyForm(FlaskForm):
    """One more currency for a price, and how much in it."""

    currency = StringField("Currency")
    amount = StringField("Amount")

    def validate(self, extra_validators: Any = None) -> bool:
        """Reads the amount by its currency; `added` holds both when it is valid."""
        good = super().validate(extra_validators)
        code = (self.currency.data or "").strip().lower()
        if code.upper() not in CODES:
            self.currency.errors = ["Give a currency by its three letters, as in GBP."]
            return False
        field = AmountField("", currency=code, validators=[_charged]).bind(self, "amount")
        field.data, field.raw_data = self.amount.data, [self.amount.data]
        if not field.validate(self) or field.amount is None:
            self.amount.errors = list(field.errors) or ["Give the amount."]
            return False
        self.added = (code, field.amount)
        return good

"""What staff type about a price change: new amounts, who moves when, and the word for it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import Optional, ValidationError

from billing import dates
from billing.amount_field import AmountField, refuse_uncollectable
from billing.clock import now
from billing.price_changes import subscribers
from billing.price_changes.choice import DATE, KEEP, RENEWAL, Who
from config import LONGEST_NOTICE
from models import Price, PriceChange

# Typed to confirm a rise that is told late.
PHRASE = "raise at short notice"
FARTHEST = timedelta(days=730)
MOST_NAMES = 500


def _refuse_nothing(_form: FlaskForm, field: AmountField) -> None:
    if field.amount is None:
        raise ValidationError("Enter the new amount.")
    if field.amount == 0:
        raise ValidationError("A price of nothing is another plan. Enter more than 0.")
    refuse_uncollectable(field)


class AmountsForm(FlaskForm):
    """A new amount for every currency of a price."""

    # Set by `amounts_form`.
    currencies: tuple[str, ...] = ()
    old_amounts: dict[str, int] = {}

    @property
    def fields(self) -> list[AmountField]:
        return [self[f"amount_{code}"] for code in self.currencies]

    @property
    def amounts(self) -> dict[str, int]:
        """Minor units by currency, once the form is valid."""
        return {field.currency: field.amount or 0 for field in self.fields}

    def validate(self, extra_validators: Any = None) -> bool:
        if not super().validate(extra_validators):
            return False
        if self.amounts == self.old_amounts:
            first = self.fields[0]
            first.errors = [*first.errors, "These are the amounts it has. Change one at least."]
            return False
        return True


def amounts_form(price: Price, old: dict[str, int], *args: Any, **kwargs: Any) -> AmountsForm:
    """The form for this price, a field for each of its currencies, its own first."""
    fields = {
        f"amount_{code}": AmountField(
            f"New amount in {code.upper()}", currency=code, validators=[_refuse_nothing]
        )
        for code in price.currencies
    }
    named = {"currencies": tuple(price.currencies), "old_amounts": old}
    made: type[AmountsForm] = type("AmountsForm", (AmountsForm,), {**fields, **named})
    return made(*args, **kwargs)


class WholeNumberField(StringField):
    """Text that must be a whole number from `least` to `most`; `number` is it, or None."""

    def __init__(self, label: str, *, least: int, most: int, **kwargs: Any):
        super().__init__(label, **kwargs)
        self.least, self.most = least, most
        self.number: int | None = None

    def pre_validate(self, form: Any) -> None:
        typed = (self.data or "").strip()
        self.number = None
        if not typed:
            return
        number = int(typed) if re.fullmatch(r"[0-9]{1,9}", typed) else -1
        if not self.least <= number <= self.most:
            raise ValidationError(f"Enter a whole number from {self.least} to {self.most}.")
        self.number = number


def _day(label: str) -> DateField:
    return DateField(label, validators=[Optional()])


class ChoiceForm(FlaskForm):
    """Who moves to the new price, and when."""

    rule = RadioField(
        "When",
        choices=[
            (RENEWAL, "At their next renewal"),
            (DATE, "All on one date"),
            (KEEP, "Keep them on the old price for good"),
        ],
    )
    # Before the date, which must leave room for it.
    notice_days = WholeNumberField("Days of notice", least=0, most=LONGEST_NOTICE)
    starts_on = _day("Date")
    currency = SelectField("Currency")
    seats_from = WholeNumberField("Seats from", least=1, most=1_000_000)
    seats_to = WholeNumberField("Seats to", least=1, most=1_000_000)
    subscribed_from = _day("Subscribed on or after")
    subscribed_before = _day("Subscribed before")
    named = TextAreaField("Only these accounts")
    without_coupon = BooleanField("Only those without a discount")

    def __init__(self, change: PriceChange, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.change = change
        codes = [(code, code.upper()) for code in change.old_amounts]
        self.currency.choices = [("", "Any"), *codes]

    @classmethod
    def of(cls, change: PriceChange) -> ChoiceForm:
        """The form as the draft has it."""
        who = Who.of(change)
        return cls(
            change,
            data={
                "rule": change.rule,
                "starts_on": change.starts_at and change.starts_at.date(),
                "notice_days": str(change.notice_days),
                "currency": who.currency or "",
                "seats_from": _text(who.seats_from),
                "seats_to": _text(who.seats_to),
                "subscribed_from": _date(who.subscribed_from),
                "subscribed_before": _date(who.subscribed_before),
                "named": "\n".join(who.named),
                "without_coupon": who.without_coupon,
            },
        )

    @property
    def starts_at(self) -> datetime | None:
        """The beginning of the day, UTC, once the form is valid."""
        if self.rule.data == KEEP or self.starts_on.data is None:
            return None
        return datetime.combine(self.starts_on.data, time(), UTC)

    @property
    def who(self) -> Who:
        return Who(
            currency=self.currency.data or None,
            seats_from=self.seats_from.number,
            seats_to=self.seats_to.number,
            subscribed_from=_iso(self.subscribed_from.data),
            subscribed_before=_iso(self.subscribed_before.data),
            named=tuple(self._names()),
            without_coupon=bool(self.without_coupon.data),
        )

    def validate(self, extra_validators: Any = None) -> bool:
        good = super().validate(extra_validators)
        if self.rule.data == DATE and self.starts_on.data is None and not self.starts_on.errors:
            self.starts_on.errors = ["Choose the date."]
            return False
        return good

    def validate_notice_days(self, field: WholeNumberField) -> None:
        if field.number is None and not field.errors:
            raise ValidationError("Say how many days before it they are told. 0 is on the day.")

    def validate_starts_on(self, field: DateField) -> None:
        chosen, rule = field.data, self.rule.data
        if chosen is None or rule == KEEP:
            return
        today = now().date()
        if chosen <= today:
            raise ValidationError("Choose a day after today.")
        if chosen > today + FARTHEST:
            raise ValidationError("Choose a day within two years.")
        notice = self.notice_days.number
        if rule == DATE and notice is not None and chosen < today + timedelta(days=notice):
            first = dates.day(today + timedelta(days=notice))
            raise ValidationError(
                f"With {notice} days of notice the first day is {first}. "
                "Choose it or a later one, or a shorter notice."
            )

    def validate_seats_to(self, field: WholeNumberField) -> None:
        least = self.seats_from.number
        if field.number is not None and least is not None and field.number < least:
            raise ValidationError("This is less than the seats from which it begins.")

    def validate_subscribed_before(self, field: DateField) -> None:
        first = self.subscribed_from.data
        if field.data is not None and first is not None and field.data <= first:
            raise ValidationError("Choose a day after the one from which it begins.")

    def validate_named(self, field: TextAreaField) -> None:
        names = self._names()
        if len(names) > MOST_NAMES:
            raise ValidationError(f"Name {MOST_NAMES} accounts at most.")
        if not names:
            return
        unknown = set(names)
        for subscription in subscribers.every(self.change):
            account = subscription.customer.account if subscription.customer else None
            unknown -= {n for n in unknown if Who(named=(n,)).admits(subscription, account)}
            if not unknown:
                return
        said = ", ".join(sorted(unknown)[:5])
        raise ValidationError(f"Nobody with this price is called {said}.")

    def _names(self) -> list[str]:
        lines = (self.named.data or "").splitlines()
        return list(dict.fromkeys(line.strip() for line in lines if line.strip()))


class ConfirmationForm(FlaskForm):
    """The phrase, where a rise is told late; whatever was typed is kept."""

    phrase = StringField(f"Type “{PHRASE}”")

    def validate_phrase(self, field: StringField) -> None:
        if " ".join((field.data or "").split()).casefold() != PHRASE:
            raise ValidationError(f"Type “{PHRASE}”, without the quotation marks, to go on.")


def _text(number: int | None) -> str:
    return "" if number is None else str(number)


def _date(iso: str | None) -> date | None:
    return date.fromisoformat(iso) if iso else None


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None

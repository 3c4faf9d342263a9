"""What staff type about a coupon or a promotion code. Whatever was typed is kept."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from babel.numbers import NumberFormatError, parse_decimal
from flask_wtf import FlaskForm
from sqlalchemy import func, select
from wtforms import BooleanField, HiddenField, RadioField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, StopValidation, ValidationError

from billing.amount_field import AmountField, reader_locale
from billing.clock import now
from billing.coupons import CodeTerms, Terms
from billing.plan_form import CheckboxesField, NumberField
from models import Account, Coupon, Customer, Product, db

# Stripe's docs, "Coupons": 40 characters; at most five years ahead.
LONGEST_NAME = 40
LONGEST_CODE = 100
MOST_DAYS_AHEAD = 5 * 365


def _trimmed(text: Any) -> Any:
    return text.strip() if isinstance(text, str) else text


class LastDayField(StringField):
    """A day or nothing; `moment` is its last second, UTC."""

    def __init__(self, label: str, **kwargs: Any):
        super().__init__(label, filters=[_trimmed], **kwargs)

    @property
    def moment(self) -> datetime | None:
        if not self.data:
            return None
        day = date.fromisoformat(self.data)
        return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1, seconds=-1)

    def pre_validate(self, form: Any) -> None:
        if not self.data:
            return
        try:
            moment = self.moment
        except (ValueError, OverflowError):
            # Nothing may look at the moment of what is no day.
            raise StopValidation("Give a day such as 2026-12-31.") from None
        if moment is not None and moment <= now():
            raise ValidationError("That day is over.")
        if moment is not None and moment > now() + timedelta(days=MOST_DAYS_AHEAD):
            raise ValidationError("Stripe allows five years ahead at most.")


class CouponForm(FlaskForm):
    """A coupon's terms."""

    attempt = HiddenField()
    name = StringField(
        "Name",
        [DataRequired("Give it a name."), Length(max=LONGEST_NAME)],
        filters=[_trimmed],
    )
    kind = RadioField(
        "It takes off",
        choices=[SelectChoice("percent", "A percentage"), SelectChoice("amount", "An amount")],
        default="percent",
    )
    percent = StringField("Percent off", filters=[_trimmed])
    duration = RadioField(
        "For how long",
        choices=[
            SelectChoice("once", "One payment"),
            SelectChoice("repeating", "A number of months"),
            SelectChoice("forever", "As long as they subscribe"),
        ],
        default="once",
    )
    months = NumberField("Months", least=1, most=120)
    redeem_by = LastDayField("Last day to redeem it")
    max_redemptions = NumberField("How often it can be redeemed", least=1, most=999_999_999)
    products = CheckboxesField("Only for these plans")

    # Set by `coupon_form`.
    currencies: Sequence[str] = ()

    @property
    def fields(self) -> list[AmountField]:
        return [self[f"amount_{code}"] for code in self.currencies]

    @property
    def terms(self) -> Terms:
        """What was typed, once it is valid."""
        is_percent = self.kind.data == "percent"
        amounts = {f.currency: f.amount for f in self.fields if f.amount}
        return Terms(
            name=self.name.data,
            percent_off=format(self._percent.normalize(), "f") if is_percent else None,
            amounts_off={} if is_percent else amounts,
            duration=self.duration.data,
            duration_in_months=self.months.number if self.duration.data == "repeating" else None,
            redeem_by=self.redeem_by.moment,
            max_redemptions=self.max_redemptions.number,
            products=list(self.products.data or []),
        )

    @property
    def _percent(self) -> Decimal:
        typed = (self.percent.data or "").removesuffix("%").strip()
        if not re.fullmatch(r"[0-9.,]+", typed):
            raise ValueError(typed)
        try:
            return parse_decimal(typed, locale=reader_locale(), strict=True)
        except NumberFormatError as error:
            raise ValueError(typed) from error

    def validate_percent(self, field: StringField) -> None:
        if self.kind.data != "percent":
            return
        try:
            percent = self._percent
        except ValueError:
            raise ValidationError("Enter a percentage such as 20.") from None
        if not 0 < percent <= 100:
            raise ValidationError("Enter more than 0 and at most 100.")
        if percent != round(percent, 2):
            raise ValidationError("Stripe keeps two decimals.")

    def validate_months(self, field: NumberField) -> None:
        if self.duration.data == "repeating" and field.number is None:
            raise ValidationError("Say for how many months.")

    def validate(self, extra_validators: Any = None) -> bool:
        good = super().validate(extra_validators)
        if good and self.kind.data == "amount" and not any(f.amount for f in self.fields):
            first = self.fields[0]
            first.errors = [*first.errors, "Give an amount in one currency at least."]
            return False
        return good


def coupon_form(
    currencies: Sequence[str], plans: Sequence[Product], formdata: Any = None
) -> CouponForm:
    """The form with an amount for each currency and a box for each plan."""
    fields = {
        f"amount_{code}": AmountField(f"Off in {code.upper()}", currency=code)
        for code in currencies
    }
    kind = type("CouponForm", (CouponForm,), {**fields, "currencies": tuple(currencies)})
    form: CouponForm = kind(formdata)
    form.products.choices = [SelectChoice(plan.stripe_id, plan.name) for plan in plans]
    return form


class CodeForm(FlaskForm):
    """A promotion code's terms."""

    attempt = HiddenField()
    code = StringField(
        "Code",
        [DataRequired("Say what people type."), Length(max=LONGEST_CODE)],
        filters=[_trimmed],
    )
    expires_at = LastDayField("Last day it works")
    max_redemptions = NumberField("How often it can be used", least=1, most=999_999_999)
    first_time = BooleanField("Only for a first purchase")
    customer = StringField("Only for one customer", filters=[_trimmed])

    # Set by `code_form`.
    currencies: Sequence[str] = ()
    coupon: Coupon

    @property
    def fields(self) -> list[AmountField]:
        return [self[f"minimum_{code}"] for code in self.currencies]

    @property
    def terms(self) -> CodeTerms:
        """What was typed, once it is valid."""
        return CodeTerms(
            code=self.code.data.upper(),
            expires_at=self.expires_at.moment,
            max_redemptions=self.max_redemptions.number,
            first_time=self.first_time.data,
            minima={f.currency: f.amount for f in self.fields if f.amount},
            customer_id=_customer(self.customer.data) if self.customer.data else None,
        )

    def validate_code(self, field: StringField) -> None:
        if not re.fullmatch(r"[A-Za-z0-9-]+", field.data):
            raise ValidationError("Use letters, digits and dashes only.")

    def validate_expires_at(self, field: LastDayField) -> None:
        last = self.coupon.redeem_by
        if field.moment and last and field.moment > last:
            raise ValidationError(f"The coupon itself ends on {last:%Y-%m-%d}.")

    def validate_max_redemptions(self, field: NumberField) -> None:
        most = self.coupon.max_redemptions
        if field.number and most and field.number > most:
            raise ValidationError(f"The coupon itself can be redeemed {most} times at most.")

    def validate_customer(self, field: StringField) -> None:
        if field.data and _customer(field.data) is None:
            raise ValidationError(
                "No one customer is known by that. Give an id such as cus_123, "
                "a billing address or an account's name."
            )


def code_form(coupon: Coupon, currencies: Sequence[str], formdata: Any = None) -> CodeForm:
    """The form for a code of `coupon`, with a least amount for each currency."""
    fields = {
        f"minimum_{code}": AmountField(f"Least in {code.upper()}", currency=code)
        for code in currencies
    }
    kind = type("CodeForm", (CodeForm,), {**fields, "currencies": tuple(currencies)})
    form: CodeForm = kind(formdata)
    form.coupon = coupon
    return form


def _customer(typed: str) -> str | None:
    """The one customer that is meant by an id, a billing address or an account's name."""
    known = db.session.get(Customer, typed)
    if known is not None and known.deleted_at is None:
        return known.stripe_id
    by_mail = select(Customer.stripe_id).where(
        Customer.deleted_at.is_(None), Customer.email == typed
    )
    by_name = select(Account.stripe_customer_id).where(
        Account.stripe_customer_id.is_not(None), func.lower(Account.name) == typed.lower()
    )
    found = set(db.session.scalars(by_mail.limit(2))) | set(db.session.scalars(by_name.limit(2)))
    return found.pop() if len(found) == 1 else None

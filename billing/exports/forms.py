"""What finance's pages are asked for, by GET: it changes nothing and can be bookmarked."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from flask import current_app, request
from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import BooleanField, DateField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, Optional, ValidationError

from billing.clock import now
from billing.exports import layouts, period
from billing.exports.csv_file import Options
from billing.exports.layouts import Layout
from billing.exports.period import Period
from billing.exports.selection import OfCreditNotes, OfInvoices, OfRefunds
from billing.invoice_parts import PARTS
from models import Product, db

BAD_DAY = "Give a day as 2026-11-30."
# In the address only, not in the form: which of the quick choices.
QUICK = "period"


class PeriodForm(FlaskForm):
    """From which day to which. Without days the address may name a quick choice."""

    class Meta:
        csrf = False

    since = DateField("From", [Optional()])
    until = DateField("To", [Optional()])
    tz = StringField("Time zone", [Length(max=60)])

    def __init__(self, **given: Any):
        super().__init__(request.args, **given)
        self.quick = ""
        if not {"since", "until"} & set(request.args):
            self.quick = request.args.get(QUICK, "this_month")
        if self.tz.data is None or not self.tz.data.strip():
            self.tz.data = current_app.config["SETTINGS"].finance.time_zone

    def validate_tz(self, field: StringField) -> None:
        if period.zone_of((field.data or "").strip()) is None:
            raise ValidationError("There is no such time zone. Choose one of the list.")

    def validate_since(self, field: DateField) -> None:
        _known(field.data)

    def validate_until(self, field: DateField) -> None:
        _known(field.data)
        if self.since.data and field.data and field.data < self.since.data:
            raise ValidationError("This day is before the first.")

    def is_good(self) -> bool:
        """Whether it makes sense; what does not is said at its field."""
        good = self.validate()
        for field in (self.since, self.until):
            if field.process_errors:
                field.errors = [BAD_DAY]
        if good and self.quick:
            if self.quick not in dict(period.CHOICES):
                self.since.errors = ["There is no such period."]
                return False
            # The days that the choice stands for, so that they can be moved from there.
            chosen = self.period
            self.since.data, self.until.data = chosen.since, chosen.until
        return bool(good)

    @property
    def period(self) -> Period:
        zone = period.zone_of((self.tz.data or "").strip()) or period.ZoneInfo("UTC")
        if self.quick:
            return period.named(self.quick, zone, now())
        return Period(zone, self.since.data, self.until.data)


def _known(day: date | None) -> None:
    if day is not None and not period.FIRST_DAY <= day <= period.LAST_DAY:
        raise ValidationError(f"Give a day between {period.FIRST_DAY} and {period.LAST_DAY}.")


class _Currency:
    currency = StringField("Currency")

    def validate_currency(self, field: StringField) -> None:
        field.data = (field.data or "").strip()
        if field.data and not re.fullmatch(r"[A-Za-z]{3}", field.data):
            raise ValidationError("Give a currency by its three letters, such as EUR.")


class InvoiceForm(_Currency, PeriodForm):
    by = SelectField(
        "By day",
        choices=[
            SelectChoice("finalized", "Finalised"),
            SelectChoice("created", "Created"),
            SelectChoice("paid", "Paid"),
        ],
        default="finalized",
    )
    status = SelectField(
        "Status",
        choices=[
            SelectChoice("", "All but drafts"),
            SelectChoice("open", "Open"),
            SelectChoice("paid", "Paid"),
            SelectChoice("uncollectible", "Not collected"),
            SelectChoice("void", "Void"),
            SelectChoice("draft", "Draft"),
        ],
        default="",
    )
    plan = SelectField("Plan", default="")
    country = StringField("Country")
    part = SelectField(
        "Only with",
        choices=[
            SelectChoice("", "Anything"),
            *(SelectChoice(part.key, part.name) for part in PARTS.values()),
        ],
        default="",
    )

    def __init__(self, **given: Any):
        super().__init__(**given)
        plans = db.session.execute(
            select(Product.stripe_id, Product.name)
            .where(Product.slug.is_not(None) | Product.purchase.is_not(None))
            .order_by(Product.name, Product.stripe_id)
        )
        self.plan.choices = [
            SelectChoice("", "All"),
            *(SelectChoice(key, name) for key, name in plans),
        ]

    def validate_country(self, field: StringField) -> None:
        field.data = (field.data or "").strip()
        if field.data and not re.fullmatch(r"[A-Za-z]{2}", field.data):
            raise ValidationError("Give a country by its two letters, such as DE.")

    @property
    def by_name(self) -> str:
        """What the day of a row is."""
        return {"finalized": "Finalised", "created": "Created", "paid": "Paid"}[self.by.data]

    @property
    def selection(self) -> OfInvoices:
        return OfInvoices(
            self.period,
            self.by.data,
            self.status.data,
            self.currency.data or "",
            self.plan.data,
            self.country.data or "",
            self.part.data or "",
        )


class CreditNoteForm(_Currency, PeriodForm):
    by = SelectField(
        "By day",
        choices=[
            SelectChoice("created", "Issued"),
            SelectChoice("voided", "Voided"),
            SelectChoice("finalized", "Its invoice was finalised"),
        ],
        default="created",
    )
    status = SelectField(
        "Status",
        choices=[
            SelectChoice("issued", "Issued"),
            SelectChoice("void", "Void"),
            SelectChoice("", "All"),
        ],
        default="issued",
    )

    @property
    def selection(self) -> OfCreditNotes:
        # A credit note that was voided is void.
        status = "" if self.by.data == "voided" else self.status.data
        return OfCreditNotes(self.period, self.by.data, status, self.currency.data or "")


class RefundForm(_Currency, PeriodForm):
    by = SelectField(
        "By day",
        choices=[
            SelectChoice("created", "Made"),
            SelectChoice("finalized", "Its invoice was finalised"),
        ],
        default="created",
    )
    status = SelectField(
        "Status",
        choices=[
            SelectChoice("live", "Given back or on its way"),
            SelectChoice("succeeded", "Succeeded"),
            SelectChoice("pending", "Pending"),
            SelectChoice("requires_action", "Waits for the customer"),
            SelectChoice("failed", "Failed"),
            SelectChoice("canceled", "Taken back"),
            SelectChoice("", "All"),
        ],
        default="live",
    )

    @property
    def selection(self) -> OfRefunds:
        return OfRefunds(self.period, self.by.data, self.status.data, self.currency.data or "")


class ExportForm(FlaskForm):
    """How the file is laid out and written."""

    class Meta:
        csrf = False

    columns = SelectField("Rows and columns")
    separator = SelectField(
        "Separator",
        choices=[SelectChoice("comma", "Comma"), SelectChoice("semicolon", "Semicolon")],
        default="comma",
    )
    dates = SelectField(
        "Days in CSV",
        choices=[
            SelectChoice("iso", "2026-11-30"),
            SelectChoice("dmy", "30/11/2026"),
            SelectChoice("mdy", "11/30/2026"),
        ],
        default="iso",
    )
    bom = BooleanField("Byte order mark, for Excel", false_values=(False, "false", "", "0"))

    def __init__(self, *rows: str):
        super().__init__(request.args)
        self.layouts = layouts.of(*rows)
        self.columns.choices = [SelectChoice(one.key, one.name) for one in self.layouts]
        if not self.columns.raw_data:
            self.columns.data = self.layouts[0].key

    @property
    def layout(self) -> Layout:
        return next(one for one in self.layouts if one.key == self.columns.data)

    @property
    def options(self) -> Options:
        return Options(
            ";" if self.separator.data == "semicolon" else ",", self.bom.data, self.dates.data
        )

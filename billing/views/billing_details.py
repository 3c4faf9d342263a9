"""What invoices say about the account, and its tax IDs."""

from __future__ import annotations

import json
import re
import secrets
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import EmailField, HiddenField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Email, Length, Regexp

from billing import billing_details, tax_id_types
from billing.authorization import current_account, current_role, member_required, reader
from billing.billing_details import CUSTOM_FIELDS, CUSTOM_NAME_LENGTH, CUSTOM_VALUE_LENGTH, FIELDS
from billing.errors import BillingError, InvalidRequest

bp = Blueprint("billing_details", __name__)

MAY_EDIT = ("owner", "billing")


def _trimmed(text: str | None) -> str:
    return (text or "").strip()


class DetailsForm(FlaskForm):
    """The details; `seen` carries the values it was shown with, to tell what the reader changed."""

    class Meta:
        def bind_field(self, form: Any, unbound_field: Any, options: Any) -> Any:
            filters = unbound_field.kwargs.pop("filters", [])
            return unbound_field.bind(form=form, filters=[*filters, _trimmed], **options)

    seen = HiddenField()
    name = StringField(
        "Name on invoices", [DataRequired("Say who the invoices are for."), Length(max=256)]
    )
    business_name = StringField("Company", [Length(max=150)])
    email = EmailField(
        "Send invoices to",
        [
            DataRequired("Say where invoices go."),
            Email("Give an address such as billing@example.com."),
            Length(max=512),
        ],
    )
    line1 = StringField("Street and number", [Length(max=200)])
    line2 = StringField("Second line", [Length(max=200)])
    postal_code = StringField("Postal code", [Length(max=20)])
    city = StringField("City", [Length(max=100)])
    state = StringField("State, province or region", [Length(max=100)])
    country = SelectField("Country")
    footer = TextAreaField("Text at the end of each invoice", [Length(max=5000)])

    def validate(self, *args: Any, **kwargs: Any) -> bool:
        good = super().validate(*args, **kwargs)
        for name, value in self.custom:
            if bool(name.data) != bool(value.data):
                empty = value if name.data else name
                empty.errors = [*empty.errors, "Fill in both, or neither."]
                good = False
        return good

    @property
    def custom(self) -> list[tuple[StringField, StringField]]:
        return [
            (self[f"custom_{n}_name"], self[f"custom_{n}_value"])
            for n in range(1, CUSTOM_FIELDS + 1)
        ]

    @property
    def typed(self) -> dict[str, str]:
        return {name: self[name].data or "" for name in FIELDS}

    @property
    def seen_values(self) -> dict[str, str]:
        try:
            values = json.loads(self.seen.data or "{}")
        except ValueError:
            abort(400)
        return values if isinstance(values, dict) else {}


for _n in range(1, CUSTOM_FIELDS + 1):
    setattr(
        DetailsForm,
        f"custom_{_n}_name",
        StringField(f"Label {_n}", [Length(max=CUSTOM_NAME_LENGTH)]),
    )
    setattr(
        DetailsForm,
        f"custom_{_n}_value",
        StringField(f"Text {_n}", [Length(max=CUSTOM_VALUE_LENGTH)]),
    )


class TaxIdForm(FlaskForm):
    attempt = HiddenField(validators=[Regexp(r"^[A-Za-z0-9_-]{8,64}$")])
    type = SelectField("Type", [DataRequired()])
    value = StringField("Number", [DataRequired("Type the number."), Length(max=100)])


def _locale() -> str:
    return str(get_locale() or "en_GB")


def _details_form(formdata: Any = None) -> DetailsForm:
    now_stored = billing_details.current(current_account, email=reader().email)
    form = DetailsForm(formdata, data={**now_stored, "seen": json.dumps(now_stored)})
    known = billing_details.countries(_locale())
    stored = now_stored["country"]
    if stored and stored not in dict(known):
        known = [(stored, stored), *known]
    choices = [("", "Choose a country"), *known]
    form.country.choices = [SelectChoice(code, name) for code, name in choices]
    return form


def _tax_id_form(formdata: Any = None) -> TaxIdForm:
    form = TaxIdForm(formdata, prefix="tax_id-")
    country = billing_details.current(current_account, email="")["country"]
    form.type.choices = [
        SelectChoice(kind.code, kind.option, optgroup=group or None)
        for group, kinds in tax_id_types.grouped(country, _locale()).items()
        for kind in kinds
    ]
    if not form.attempt.data:
        form.attempt.data = secrets.token_urlsafe(16)
    return form


def _page(
    *,
    form: DetailsForm | None = None,
    tax_form: TaxIdForm | None = None,
    status: int = 200,
    **more: Any,
) -> Any:
    return render_template(
        "billing_details/edit.html" if current_role() in MAY_EDIT else "billing_details/show.html",
        form=form or _details_form(),
        tax_form=tax_form or _tax_id_form(),
        details=billing_details.current(current_account, email=""),
        country_names=dict(billing_details.countries(_locale())),
        tax_ids=[
            (tax_id_types.named(one["type"], _locale()), one)
            for one in billing_details.tax_ids_of(current_account)
        ],
        **more,
    ), status


@bp.get("/billing-details")
@member_required()
def edit() -> Any:
    """The form for those who may change it; a viewer reads."""
    return _page()


@bp.post("/billing-details")
@member_required(*MAY_EDIT)
def update() -> Any:
    """Saves what was changed; what Stripe refuses is said at its field, and nothing is lost."""
    form = _details_form(request.form)
    if not form.validate():
        return _page(form=form, status=422)
    try:
        changed = billing_details.save(
            current_account, form.typed, form.seen_values, email=current_user.email
        )
    except BillingError as error:
        return _page(form=form, status=error.status, problem=_at_field(form, error))
    if changed:
        flash("Your billing details are saved. Invoices from now on show them.", "success")
    else:
        flash("Nothing was different, so nothing was changed.", "info")
    return redirect(url_for(".edit"), 303)


def _at_field(form: DetailsForm, error: BillingError) -> BillingError | None:
    """Puts a refusal at the field it is about; returns it when it is about none."""
    parameter = error.param if isinstance(error, InvalidRequest) else None
    name = billing_details.PARAMETERS.get(parameter or "")
    if name is None:
        return error
    form[name].errors = [*form[name].errors, error.message]
    return None


@bp.post("/billing-details/tax-ids")
@member_required(*MAY_EDIT)
def add_tax_id() -> Any:
    """Adds a tax ID; Stripe's refusal is said at the number, which stays as typed."""
    form = _tax_id_form(request.form)
    if not form.validate():
        return _page(tax_form=form, status=422)
    kind = tax_id_types.named(form.type.data, _locale())
    value = form.value.data.strip()
    if any(
        (one["type"], _bare(one["value"])) == (kind.code, _bare(value))
        for one in billing_details.tax_ids_of(current_account)
    ):
        form.value.errors = ["This tax ID is on your invoices already."]
        return _page(tax_form=form, status=422)
    try:
        billing_details.add_tax_id(
            current_account,
            type=kind.code,
            value=value,
            attempt=form.attempt.data,
            email=current_user.email,
        )
    except InvalidRequest as error:
        said = error.message
        if error.code == "tax_id_invalid":
            said = f"This does not have the form of a number of this type ({kind.label})."
        example = f" It looks like {kind.example}." if kind.example else ""
        form.value.errors = [f"{said}{example}"]
        # Stripe replays a refusal under the same key; a corrected number is a new request.
        form.attempt.data = secrets.token_urlsafe(16)
        return _page(tax_form=form, status=422)
    except BillingError as error:
        return _page(tax_form=form, status=error.status, problem=error)
    flash(f"{kind.label} {value} is on your invoices from now on.", "success")
    return redirect(url_for(".edit", _anchor="card-tax-ids"), 303)


def _bare(number: str) -> str:
    return re.sub(r"[^0-9A-Za-z]", "", number).upper()


@bp.post("/billing-details/tax-ids/<tax_id>/removal")
@member_required(*MAY_EDIT)
def remove_tax_id(tax_id: str) -> Any:
    own = {one["id"]: one for one in billing_details.tax_ids_of(current_account)}
    if tax_id not in own:
        abort(404)
    billing_details.remove_tax_id(current_account, own[tax_id])
    flash("The tax ID is removed. Invoices you have already keep it.", "success")
    return redirect(url_for(".edit", _anchor="card-tax-ids"), 303)

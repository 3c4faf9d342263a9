"""A person's own settings: name, address, password, second factor, devices, accounts."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_security import auth_required, login_user
from flask_wtf import FlaskForm
from wtforms import SelectChoice, SelectField, StringField

from billing import accounts
from billing.audit import record
from billing.extensions import LOCALES, reader_locale, security
from billing.people.forms import NAME, ONE_LINE, stripped
from billing.people.staff import protected
from models import db

bp = Blueprint("account_settings", __name__)

LANGUAGES = {
    "en_GB": "English (United Kingdom)",
    "en_US": "English (United States)",
    "de_DE": "Deutsch",
    "fr_FR": "Français",
    "es_ES": "Español",
    "it_IT": "Italiano",
    "nl_NL": "Nederlands",
    "sv_SE": "Svenska",
    "pt_BR": "Português (Brasil)",
    "ja_JP": "日本語",
}


class PersonForm(FlaskForm):
    name = StringField(
        "Your name",
        [*NAME, ONE_LINE],
        filters=[stripped],
        render_kw={"autocomplete": "name", "maxlength": 200},
    )
    locale = SelectField(
        "How dates and amounts are written",
        choices=[SelectChoice(code, LANGUAGES[code]) for code in LOCALES],
    )


@bp.route("/settings", methods=["GET", "POST"])
@auth_required("session")
def show() -> ResponseReturnValue:
    form = PersonForm(name=current_user.name, locale=reader_locale())
    if form.validate_on_submit():
        current_user.name = form.name.data
        session["locale"] = form.locale.data
        db.session.commit()
        flash("Your settings are saved.", "success")
        return redirect(url_for("account_settings.show"))
    body = render_template(
        "settings/show.html",
        form=form,
        memberships=accounts.memberships_of(current_user),
        recovery_codes=len(security.datastore.mf_get_recovery_codes(current_user)),
    )
    return body, 422 if form.errors else 200


@bp.get("/settings/two-factor")
@auth_required("session")
def two_factor() -> ResponseReturnValue:
    """After two-factor sign-in was switched on or off: on to recovery codes if there are none."""
    codes = security.datastore.mf_get_recovery_codes(current_user)
    if protected(current_user) and not codes:
        return redirect(url_for("security.mf_recovery_codes"))
    return redirect(url_for("account_settings.show"))


@bp.post("/settings/sign-out-elsewhere")
@auth_required("session")
def sign_out_elsewhere() -> ResponseReturnValue:
    """Every other device is signed out: each session names a value that changes here."""
    user = current_user._get_current_object()
    security.datastore.set_uniquifier(user)
    record("user.signed_out_elsewhere", f"user:{user.id}")
    db.session.commit()
    login_user(user, authn_via=["session"])
    flash("You are signed out everywhere but here.", "success")
    return redirect(url_for("account_settings.show"))

"""The account one acts for: another of one's own, a new one, its name."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_security import auth_required
from flask_wtf import FlaskForm
from wtforms import StringField

from billing import accounts
from billing.authorization import current_account, member_required
from billing.people.forms import NAME, ONE_LINE, stripped
from models import db

bp = Blueprint("accounts", __name__)


class AccountForm(FlaskForm):
    name = StringField(
        "Account name",
        [*NAME, ONE_LINE],
        filters=[stripped],
        render_kw={"autocomplete": "organization", "maxlength": 200},
    )


@bp.post("/accounts/switch")
@auth_required("session")
def switch() -> ResponseReturnValue:
    """From now on this session acts for another of one's own accounts."""
    account = accounts.switch_to(current_user, request.form.get("account_id", 0, type=int))
    if account is None:
        abort(404)
    flash(f"You are looking at {account.name} now.", "success")
    return redirect("/")


@bp.route("/accounts/new", methods=["GET", "POST"])
@auth_required("session")
def new() -> ResponseReturnValue:
    """One more account for a person who has signed in already."""
    form = AccountForm()
    if not form.validate_on_submit():
        return render_template("accounts/new.html", form=form), 422 if form.errors else 200
    account = accounts.open_for(current_user._get_current_object(), form.name.data)
    db.session.commit()
    accounts.switch_to(current_user, account.id)
    flash(f"{account.name} is ready. Nothing is charged until you choose a plan.", "success")
    return redirect("/")


@bp.route("/accounts/name", methods=["GET", "POST"])
@member_required("owner")
def rename() -> ResponseReturnValue:
    """Another name for the current account; invoices keep the name of the billing details."""
    form = AccountForm(obj=current_account)
    if not form.validate_on_submit():
        return render_template("accounts/rename.html", form=form), 422 if form.errors else 200
    accounts.rename(current_account, form.name.data)
    flash(f"The account is called {form.name.data} now.", "success")
    return redirect(url_for("members.index"))

"""Who belongs to the account. Everyone may see it; owners change it."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_security.forms import EmailValidation
from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import EmailField, SelectChoice, SelectField
from wtforms.validators import DataRequired

from billing import invitations, members
from billing.authorization import current_account, member_required, reader
from models import MEMBER_ROLES, Membership, db

bp = Blueprint("members", __name__)

ROLES = (
    ("owner", "Owner"),
    ("billing", "Billing"),
    ("viewer", "Viewer"),
)


class InvitationForm(FlaskForm):
    email = EmailField(
        "E-mail",
        [DataRequired("Enter an e-mail address."), EmailValidation(verify=True)],
        render_kw={"autocomplete": "off", "maxlength": 255},
    )
    role = SelectField(
        "Role", choices=[SelectChoice(value, label) for value, label in ROLES], default="billing"
    )


@bp.get("/members")
@member_required()
def index() -> ResponseReturnValue:
    return page(InvitationForm(formdata=None))


def page(form: InvitationForm) -> ResponseReturnValue:
    """The members' page, with 422 when the form was refused."""
    found = db.session.scalars(
        select(Membership)
        .where(Membership.account_id == current_account.id)
        .order_by(Membership.id)
    ).all()
    body = render_template(
        "members/index.html",
        form=form,
        members=found,
        invitations=invitations.pending(current_account),
        roles=ROLES,
        mine=_mine(),
    )
    return body, 422 if form.errors else 200


@bp.post("/members/<int:membership_id>/role")
@member_required("owner")
def change_role(membership_id: int) -> ResponseReturnValue:
    membership = _of_account_or_404(membership_id)
    role = request.form.get("role", "")
    if role not in MEMBER_ROLES:
        abort(400)
    who = _called(membership)
    members.change_role(membership, role, by=_mine())
    flash(f"{who} now has the role {dict(ROLES)[role]}.", "success")
    return redirect(url_for("members.index"))


@bp.post("/members/<int:membership_id>/remove")
@member_required("owner")
def remove(membership_id: int) -> ResponseReturnValue:
    membership = _of_account_or_404(membership_id)
    who = _called(membership)
    members.remove(membership, by=_mine())
    flash(f"{who} is no longer a member and sees nothing of this account any more.", "success")
    return redirect(url_for("members.index"))


@bp.post("/members/leave")
@member_required()
def leave() -> ResponseReturnValue:
    name = current_account.name
    members.leave(_mine())
    session.pop("account_id", None)
    flash(f"You left {name}.", "success")
    return redirect(url_for("account_settings.show"))


def _mine() -> Membership:
    """The reader's membership of the current account."""
    found = db.session.scalars(
        select(Membership).where(
            Membership.account_id == current_account.id, Membership.user_id == reader().id
        )
    ).one_or_none()
    # Whoever staff look as may leave meanwhile.
    return found or abort(404)


def _of_account_or_404(membership_id: int) -> Membership:
    membership = db.session.get(Membership, membership_id)
    if membership is None or membership.account_id != current_account.id:
        abort(404)
    return membership


def _called(membership: Membership) -> str:
    return membership.user.name or membership.user.email

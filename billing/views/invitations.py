"""Inviting people into the account, and accepting an invitation."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_security import auth_required, login_user
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField, ValidationError
from wtforms.validators import DataRequired

from billing import accounts, invitations
from billing.authorization import current_account, member_required
from billing.extensions import limiter, security
from billing.mails import MailNotSent
from billing.people.forms import NAME, ONE_LINE, stripped
from billing.people.limits import per_person
from billing.views import members
from models import Invitation, db

bp = Blueprint("invitations", __name__)

NOT_SENT = (
    "The invitation for {} is saved, but the mail could not be sent. "
    "Send it again from the list in a few minutes."
)
often = limiter.limit("30 per hour", key_func=per_person, methods=["POST"])


class JoiningForm(FlaskForm):
    name = StringField(
        "Your name",
        [*NAME, ONE_LINE],
        filters=[stripped],
        render_kw={"autocomplete": "name", "maxlength": 200},
    )
    password = PasswordField(
        "Password",
        [DataRequired("Enter a password.")],
        render_kw={"autocomplete": "new-password"},
    )

    def validate_password(self, field: PasswordField) -> None:
        wrong, field.data = security.password_util.validate(field.data, True)
        if wrong:
            raise ValidationError(" ".join(wrong))


@bp.post("/invitations")
@member_required("owner")
@often
def create() -> ResponseReturnValue:
    form = members.InvitationForm()
    if not form.validate_on_submit():
        return members.page(form)
    try:
        invited = invitations.invite(current_account, form.email.data, form.role.data, current_user)
        flash(f"We sent an invitation to {invited.email}. It is open for seven days.", "success")
    except invitations.AlreadyThere as refusal:
        form.email.errors = [str(refusal)]
        return members.page(form)
    except MailNotSent:
        flash(NOT_SENT.format(form.email.data), "warning")
    return redirect(url_for("members.index"))


@bp.post("/invitations/<int:invitation_id>/resend")
@member_required("owner")
@often
def resend(invitation_id: int) -> ResponseReturnValue:
    invitation = _of_account_or_404(invitation_id)
    try:
        invitations.resend(invitation)
        flash(f"We sent the invitation to {invitation.email} again.", "success")
    except MailNotSent:
        flash(NOT_SENT.format(invitation.email), "warning")
    return redirect(url_for("members.index"))


@bp.post("/invitations/<int:invitation_id>/revoke")
@member_required("owner")
def revoke(invitation_id: int) -> ResponseReturnValue:
    invitation = _of_account_or_404(invitation_id)
    invitations.revoke(invitation)
    flash(f"The invitation for {invitation.email} is withdrawn; its link is dead.", "success")
    return redirect(url_for("members.index"))


@bp.get("/join/<token>")
def show(token: str) -> ResponseReturnValue:
    """What the link in the mail opens: accept, sign in first, or register."""
    return _page(_by_token_or_404(token), token, JoiningForm(formdata=None))


@bp.post("/join/<token>")
@auth_required("session")
def accept(token: str) -> ResponseReturnValue:
    membership = invitations.accept(_by_token_or_404(token), current_user)
    return _welcome(membership.account_id)


@bp.post("/join/<token>/register")
@limiter.limit("20 per hour", methods=["POST"])
def register(token: str) -> ResponseReturnValue:
    invitation = _by_token_or_404(token)
    form = JoiningForm()
    if current_user.is_authenticated or not form.validate_on_submit():
        return _page(invitation, token, form)
    user = invitations.register(invitation, form.name.data, form.password.data)
    login_user(user, authn_via=["register"])
    return _welcome(invitation.account_id)


def _page(invitation: Invitation, token: str, form: JoiningForm) -> ResponseReturnValue:
    invitations.check_open(invitation)
    body = render_template(
        "invitations/show.html",
        invitation=invitation,
        token=token,
        form=form,
        known=invitations.invited_user(invitation) is not None,
    )
    return body, 422 if form.errors else 200


def _welcome(account_id: int) -> ResponseReturnValue:
    account = accounts.switch_to(current_user, account_id)
    flash(f"Welcome to {account.name}." if account else "Welcome.", "success")
    return redirect("/")


def _by_token_or_404(token: str) -> Invitation:
    invitation = invitations.find(token)
    if invitation is None:
        abort(404)
    return invitation


def _of_account_or_404(invitation_id: int) -> Invitation:
    invitation = db.session.get(Invitation, invitation_id)
    if invitation is None or invitation.account_id != current_account.id:
        abort(404)
    return invitation

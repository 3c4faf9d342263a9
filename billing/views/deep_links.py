"""Following a link from a mail."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user

from billing import accounts, deep_links
from billing.authorization import current_account
from billing.clock import now
from billing.people.pages import ask_to_sign_in

bp = Blueprint("deep_links", __name__)


@bp.get("/go/<token>")
def follow(token: str) -> ResponseReturnValue:
    """Leads on to the page the mail speaks of, as a member of its account; does nothing else."""
    link = deep_links.read(token, now())
    if not current_user.is_authenticated:
        return ask_to_sign_in()
    before = current_account._get_current_object() if current_account else None
    account = accounts.switch_to(current_user, link.account.id)
    if account is None:
        return render_template("deep_links/not_a_member.html", account=link.account), 403
    if before is not None and before.id != account.id:
        flash(f"You are now looking at {account.name}, which the mail was about.", "info")
    return redirect(link.path)

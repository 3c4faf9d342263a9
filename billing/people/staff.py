"""Staff see every account, so outside the demo they must have a second factor."""

from __future__ import annotations

from flask import Flask, current_app, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from models import User

# What one needs to enrol, to sign out, and to be shown at all.
OPEN_BLUEPRINTS = {"security", "brand", "health"}
OPEN_ENDPOINTS = {"static", "account_settings.two_factor"}


def init_app(app: Flask) -> None:
    app.before_request(send_to_enrolment)
    app.context_processor(lambda: {"must_enrol": must_enrol})


def send_to_enrolment() -> Response | None:
    """Leads staff without a second factor to the page that sets one up."""
    if request.endpoint in OPEN_ENDPOINTS or request.blueprint in OPEN_BLUEPRINTS:
        return None
    if not must_enrol():
        return None
    return redirect(url_for("security.two_factor_setup"))


def must_enrol() -> bool:
    """Whether the signed-in person is staff and still lacks a second factor."""
    if current_app.config["SETTINGS"].environment == "demo":
        return False
    return current_user.is_authenticated and current_user.is_staff and not protected(current_user)


def protected(user: User) -> bool:
    """Whether signing in with the password asks for more."""
    passkey = any(credential.usage == "secondary" for credential in user.webauthn)
    return bool(user.tf_primary_method and user.tf_totp_secret) or passkey

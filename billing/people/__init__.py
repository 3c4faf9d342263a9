"""People sign in by Flask-Security: passwords with argon2, two-factor, passkeys.

What is ours lies beside this file: the forms, the wording, how its pages are answered, how often
something may be tried, and the second factor that staff must have.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Flask
from flask_security import SQLAlchemyUserDatastore

from billing.extensions import security
from billing.people import addresses, limits, pages, privacy, registration, staff, wording
from billing.people.forms import LoginForm, RecoveryForm, RegisterForm
from billing.people.keys import derived_key
from config import Settings
from models import Role, User, WebAuthn, db


def init_app(app: Flask) -> None:
    """Binds Flask-Security to the application, in our words and our layout."""
    settings = app.config["SETTINGS"]
    app.config.update(values(settings), **wording.messages())
    security.init_app(
        app,
        SQLAlchemyUserDatastore(db, User, Role, WebAuthn),
        register_form=RegisterForm,
        login_form=LoginForm,
        mf_recovery_form=RecoveryForm,
        render_template=pages.render,
    )
    # These are pages for people; nothing of them is an API.
    security.want_json(lambda request: False)
    security.unauthn_handler(pages.ask_to_sign_in)
    app.before_request(pages.refuse_json)
    # Sessions alone sign in, so nobody's request is searched for a token.
    app.login_manager.request_loader(lambda request: None)  # type: ignore[attr-defined]
    registration.init_app(app)
    addresses.init_app(app)
    limits.init_app(app)
    privacy.init_app(app)
    staff.init_app(app)


def values(settings: Settings) -> dict[str, Any]:
    """Flask-Security's configuration (its docs, "Configuration")."""
    brand = settings.brand
    secure = settings.site_url.startswith("https://")
    return {
        "SECURITY_REGISTERABLE": True,
        "SECURITY_CONFIRMABLE": True,
        "SECURITY_AUTO_LOGIN_AFTER_CONFIRM": True,
        "SECURITY_RECOVERABLE": True,
        "SECURITY_CHANGEABLE": True,
        "SECURITY_CHANGE_EMAIL": True,
        "SECURITY_WEBAUTHN": True,
        "SECURITY_TWO_FACTOR": True,
        "SECURITY_API_ENABLED_METHODS": ["session"],
        # It would say "no-store=True", which is no directive that browsers know; see privacy.py.
        "SECURITY_CACHE_CONTROL": None,
        # Its scripts run inline, which our content policy refuses; ours is static/js/passkeys.js.
        "SECURITY_STATIC_FOLDER": None,
        # Nobody learns from our answers whether an address has an account here.
        "SECURITY_RETURN_GENERIC_RESPONSES": True,
        "SECURITY_EMAIL_VALIDATOR_ARGS": {"check_deliverability": False},
        "SECURITY_EMAIL_SENDER": (brand.name, settings.mail.sender),
        # Pages after an action.
        "SECURITY_POST_REGISTER_VIEW": "mail_sent.show",
        "SECURITY_POST_CONFIRM_VIEW": "mail_sent.confirmed",
        "SECURITY_POST_CHANGE_VIEW": "account_settings.show",
        "SECURITY_POST_CHANGE_EMAIL_VIEW": "account_settings.show",
        "SECURITY_POST_VERIFY_VIEW": "account_settings.show",
        "SECURITY_POST_LOGOUT_VIEW": "/",
        "SECURITY_TWO_FACTOR_POST_SETUP_VIEW": "account_settings.two_factor",
        "SECURITY_WAN_POST_REGISTER_VIEW": "account_settings.show",
        **_passwords(settings),
        **_second_factors(settings, secure),
        **wording.subjects(brand.name),
    }


def _passwords(settings: Settings) -> dict[str, Any]:
    # A suite makes hundreds of people; the cheapest hash of the same scheme will do there.
    cheap = {"argon2__time_cost": 1, "argon2__memory_cost": 8, "argon2__parallelism": 1}
    return {
        "SECURITY_PASSWORD_HASH": "argon2",
        "SECURITY_PASSWORD_SCHEMES": ["argon2"],
        # argon2 alone, without an HMAC over SECRET_KEY first: rolling the key keeps passwords.
        "SECURITY_PASSWORD_SINGLE_HASH": True,
        "SECURITY_PASSWORD_SALT": derived_key(settings.secret_key, "password-salt").decode(),
        "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": cheap if settings.testing else {},
        "SECURITY_PASSWORD_LENGTH_MIN": 10,
        # One field that password managers fill, and "forgot password" for a slip.
        "SECURITY_PASSWORD_CONFIRM_REQUIRED": False,
        # These hash addresses and password hashes into signed tokens, so speed does no harm.
        "SECURITY_HASHING_SCHEMES": ["hex_sha512"],
        "SECURITY_FRESHNESS": timedelta(hours=1),
        "SECURITY_FRESHNESS_GRACE_PERIOD": timedelta(minutes=10),
    }


def _second_factors(settings: Settings, secure: bool) -> dict[str, Any]:
    return {
        "SECURITY_TWO_FACTOR_ENABLED_METHODS": ["authenticator"],
        "SECURITY_TWO_FACTOR_RESCUE_EMAIL": False,
        "SECURITY_TWO_FACTOR_RESCUE_MAIL": settings.brand.support_email,
        "SECURITY_TWO_FACTOR_AUTHENTICATOR_VALIDITY": 30,
        "SECURITY_TOTP_SECRETS": {"1": derived_key(settings.secret_key, "totp").decode()},
        "SECURITY_TOTP_ISSUER": settings.brand.name,
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES": True,
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_N": 10,
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS": [
            derived_key(settings.secret_key, "recovery-codes")
        ],
        "SECURITY_TWO_FACTOR_VALIDITY_COOKIE": {
            "httponly": True,
            "secure": secure,
            "samesite": "Strict",
        },
        "SECURITY_WAN_RP_NAME": settings.brand.name,
        # Without hints, asking to sign in as someone does not reveal whether they have a passkey.
        "SECURITY_WAN_ALLOW_USER_HINTS": False,
    }

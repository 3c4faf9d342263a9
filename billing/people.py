"""People sign in by Flask-Security: passwords with argon2, two-factor, passkeys."""

from __future__ import annotations

from flask import Flask
from flask_security import SQLAlchemyUserDatastore

from billing.extensions import security
from models import Role, User, WebAuthn, db


def init_app(app: Flask) -> None:
    """Binds Flask-Security to the application."""
    app.config.update(SECURITY_PASSWORD_HASH="argon2", SECURITY_PASSWORD_SALT="x")
    security.init_app(app, SQLAlchemyUserDatastore(db, User, Role, WebAuthn))

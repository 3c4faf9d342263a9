"""`flask billing ...`: the operator's commands."""

from __future__ import annotations

from flask import Flask
from flask.cli import AppGroup

billing = AppGroup("billing", help="Run and look after the billing portal.")


def init_app(app: Flask) -> None:
    """Adds the command group."""
    app.cli.add_command(billing)

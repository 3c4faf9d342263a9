"""`flask billing ...`: the operator's commands, each in its own file under `commands/`."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup
from sqlalchemy.exc import DBAPIError

from billing import commands
from billing.errors import BillingError


class Commands(AppGroup):
    """Commands whose expected refusals are told in a sentence, never as a stack trace."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BillingError as error:
            raise click.ClickException(f"{error.title}. {error.message}") from error
        except DBAPIError as error:
            raise click.ClickException(
                f"The database could not be used ({type(error).__name__}). "
                "`flask billing doctor` says what is missing."
            ) from error


billing = Commands("billing", help="Run and look after the billing portal.")


def init_app(app: Flask) -> None:
    """Adds the `command` of every module in `commands/` to `flask billing`."""
    for module in iter_modules(commands.__path__):
        command = getattr(import_module(f"{commands.__name__}.{module.name}"), "command", None)
        if command is not None:
            billing.add_command(command)
    app.cli.add_command(billing)

"""`flask billing move-prices`: price changes under way, carried on until nothing is due."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from billing.price_changes import moving


@click.command("move-prices")
@with_appcontext
def command() -> None:
    """Launch and move what is due, at the pace that the settings allow.

    It can be stopped at any time and run again: it goes on exactly where it was.
    """
    did = moving.Moved()
    while True:
        part = moving.run()
        did += part
        if not part.total or part.postponed:
            break
    click.echo(f"{did}.")

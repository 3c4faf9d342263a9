"""`flask billing move-prices`: price changes under way, carried on until nothing is due."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from billing.price_changes import moving


@click.command("move-prices")
@click.option(
    "--at-once",
    type=click.IntRange(1, 10_000),
    default=moving.AT_ONCE,
    show_default=True,
    help="After how many subscribers it says how far it is.",
)
@with_appcontext
def command(at_once: int) -> None:
    """Launch and move what is due, at the pace that the settings allow.

    It can be stopped at any time and run again: it goes on exactly where it was.
    """
    while True:
        did = moving.run(at_once)
        click.echo(f"{did}.")
        if not did.total or did.postponed:
            break

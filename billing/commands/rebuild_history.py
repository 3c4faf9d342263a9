"""`flask billing rebuild-history`: what subscriptions were worth before anybody watched."""

from __future__ import annotations

import click
from flask.cli import with_appcontext
from tqdm import tqdm

from billing import failed_payments, subscription_history


@click.command("rebuild-history")
@with_appcontext
def command() -> None:
    """Work out the past of every subscription from the mirror; safe to run as often as you like."""
    with tqdm(unit=" subscriptions") as bar:
        count = subscription_history.rebuild_all(bar.update)
    failed_payments.find_all()
    click.echo(f"{count:>8}  subscriptions' past")

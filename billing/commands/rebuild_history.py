"""`flask billing rebuild-history`: what subscriptions were worth before anybody watched."""

from __future__ import annotations

import click
from flask.cli import with_appcontext
from tqdm import tqdm

from billing import failed_payments, subscription_history


@click.command("rebuild-history")
@click.argument("subscription", required=False)
@with_appcontext
def command(subscription: str | None) -> None:
    """Work out the past of every SUBSCRIPTION, or of one, from the mirror; safe to repeat."""
    if subscription is not None:
        if not subscription_history.rebuild(subscription):
            raise click.ClickException(f"The mirror holds no subscription {subscription}.")
        return
    with tqdm(unit=" subscriptions") as bar:
        count = subscription_history.rebuild_all(bar.update)
    failed_payments.find_all()
    click.echo(f"{count:>8}  subscriptions' past")

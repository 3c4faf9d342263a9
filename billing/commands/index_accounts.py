"""`flask billing index-accounts`: makes what accounts are found by anew, from everything else."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from billing import search_rebuild


@click.command("index-accounts")
@with_appcontext
def command() -> None:
    """Make search terms and the owners of payments and webhooks anew.

    Needed once after the upgrade that brought the search; harmless at any time.
    """
    done = search_rebuild.rebuild(say=click.echo)
    click.echo(
        f"{done.accounts} accounts, {done.customers} customers, {done.payments} payments and "
        f"{done.events} webhooks are indexed."
    )

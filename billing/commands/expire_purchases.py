"""`flask billing expire-purchases`: purchases that were begun and left."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from billing import purchases
from billing.clock import now


@click.command("expire-purchases")
@with_appcontext
def command() -> None:
    """Cancel what was left unpaid for a day; exit status 1 when Stripe could not be asked."""
    ended, failed = purchases.expire_due(now())
    click.echo(f"{ended} ended, {failed} could not be ended yet")
    if failed:
        raise SystemExit(1)

"""`flask billing retention-report`: which offers keep those who were about to cancel."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from billing import money, retention_report
from billing.clock import now


@click.command("retention-report")
@with_appcontext
def command() -> None:
    """Show, for each reason and offer: shown, accepted, still subscribed after 90 days.

    What is at stake is what the subscriptions of all who saw it cost for a period, for each
    currency by itself.
    """
    lines = retention_report.lines(now())
    if not lines:
        click.echo("Nobody has answered an offer yet.")
        return
    for line in lines:
        offer = line.offer.replace("_", " ")
        click.echo(f"{line.reason.replace('_', ' ')}, {offer}")
        click.echo(f"  shown {line.shown}, accepted {line.accepted}")
        click.echo(f"  still subscribed after 90 days: {line.kept} of {line.old_enough}")
        for (currency, interval), amount in sorted(line.stakes.items()):
            click.echo(f"  at stake: {money.text(amount, currency)} every {interval}")

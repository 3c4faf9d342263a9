"""`flask billing sync`: everything Stripe has, into the mirror."""

from __future__ import annotations

import click
from flask.cli import with_appcontext
from tqdm import tqdm

from billing import backfill, subscription_history
from billing.errors import BillingError


@click.command("sync")
@click.option("--restart", is_flag=True, help="Begin anew instead of where the last run stopped.")
@with_appcontext
def command(restart: bool) -> None:
    """Pull everything from Stripe; run again, it goes on where it was stopped."""
    # Stripe does not tell how many there are, so the bar counts and has no end.
    with tqdm(unit=" objects", desc="starting") as bar:

        def report(kind: str, count: int) -> None:
            bar.set_description_str(kind.replace("_", " "), refresh=False)
            bar.update(count)

        try:
            pulled = backfill.run(report, restart=restart)
        except BillingError as error:
            raise click.ClickException(
                f"Stopped, because Stripe could not be asked ({type(error).__name__}). "
                "Run it again to go on from here."
            ) from error
        bar.set_description_str("what subscriptions were")
        subscription_history.rebuild_all()
    for kind, count in pulled.items():
        click.echo(f"{count:>8}  {kind}")

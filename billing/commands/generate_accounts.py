"""`flask billing generate-accounts`: many accounts in a development database, to measure it."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from billing.generated_accounts import generate


@click.command("generate-accounts")
@click.option("--accounts", type=click.IntRange(1, 1_000_000), default=100_000, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="The same gives the same.")
@click.option(
    "--invoices",
    type=click.IntRange(0, 100),
    default=0,
    show_default=True,
    help="About so many for each account.",
)
@click.option(
    "--beside-real-data", is_flag=True, help="Also where accounts or customers are already."
)
@with_appcontext
def command(accounts: int, seed: int, invoices: int, beside_real_data: bool) -> None:
    """Write accounts with members, customers, subscriptions, cards and invoices.

    They exist in the database alone, not at Stripe. Never in production, never with a live key.
    """
    done = generate(
        accounts,
        seed=seed,
        invoices=invoices,
        beside_real_data=beside_real_data,
        say=click.echo,
    )
    click.echo(
        f"{done.accounts} accounts in {done.rows} rows and their search terms, "
        f"{done.seconds:.1f} s: {done.rows_per_second} rows a second."
    )

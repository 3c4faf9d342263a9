"""`flask billing grant-access`: access beside what an account's subscription gives."""

from __future__ import annotations

from datetime import datetime

import click
from flask.cli import with_appcontext

from billing import access_grants
from billing.access import FULL
from billing.commands import arguments
from billing.dates import moment

DAY = click.DateTime(["%Y-%m-%d"])


@click.command("grant-access")
@click.argument("account_name", metavar="ACCOUNT")
@click.option("--until", type=DAY, required=True, metavar="YYYY-MM-DD", help="The last day, UTC.")
@click.option("--from", "begins", type=DAY, metavar="YYYY-MM-DD", help="The first day; else now.")
@click.option("--level", type=click.Choice(access_grants.GRANTABLE), default=FULL)
@click.option("--plan", "slug", help="The slug of a plan; else the plan the account has.")
@click.option("--reason", required=True, help="Why, for whoever asks later.")
@click.option("--by", "email", metavar="EMAIL", help="The member of staff who decided it.")
@with_appcontext
def command(
    account_name: str,
    until: datetime,
    begins: datetime | None,
    level: str,
    slug: str | None,
    reason: str,
    email: str | None,
) -> None:
    """Let ACCOUNT use the product until a day, whatever its subscription gives."""
    if not reason.strip():
        raise click.BadParameter("Say why.", param_hint="--reason")
    made = access_grants.grant(
        arguments.account(account_name),
        level=level,
        ends_at=arguments.end_of(until),
        starts_at=arguments.start_of(begins) if begins else None,
        reason=reason.strip(),
        plan=arguments.plan(slug),
        by=arguments.staff(email),
    )
    click.echo(
        f"Grant {made.id}: {made.account.name} has {made.level} access "
        f"from {moment(made.starts_at)} until {moment(made.ends_at)}."
    )

"""`flask billing revoke-access`: grants of access, ended."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from billing import access_grants, access_history
from billing.commands import arguments


@click.command("revoke-access")
@click.argument("account_name", metavar="ACCOUNT")
@click.option("--grant", "grant_id", type=int, help="The one to end; else all of the account's.")
@click.option("--by", "email", metavar="EMAIL", help="The member of staff who decided it.")
@with_appcontext
def command(account_name: str, grant_id: int | None, email: str | None) -> None:
    """End the grants of ACCOUNT; what its subscription gives stays."""
    account = arguments.account(account_name)
    by = arguments.staff(email)
    ending = [g for g in access_grants.not_over(account) if grant_id in {None, g.id}]
    if not ending:
        raise click.ClickException(
            f"{account.name} has no grant {'in force' if grant_id is None else grant_id}. "
            "Nothing was changed."
        )
    access_grants.revoke(ending, by=by)
    for each in ending:
        click.echo(f"Grant {each.id} is revoked.")
    click.echo(f"{account.name} now has: {access_history.record(account).level}.")

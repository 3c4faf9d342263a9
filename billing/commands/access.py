"""`flask billing access`: why does this account have access?"""

from __future__ import annotations

from datetime import datetime

import click
from flask.cli import with_appcontext

from billing import access_grants, access_history
from billing.commands import arguments
from billing.dates import moment
from models import db


@click.command("access")
@click.argument("account_name", metavar="ACCOUNT")
@click.option("--history", default=5, show_default=True, help="How many past changes to show.")
@with_appcontext
def command(account_name: str, history: int) -> None:
    """Explain what ACCOUNT (an id, a Stripe customer or a name) may use, and why."""
    account = arguments.account(account_name)
    decision = access_history.record(account)
    db.session.commit()
    plan = decision.plan.name if decision.plan else "none that the portal knows"
    _line("account", f"{account.name} (id {account.id})")
    _line("access", decision.level)
    _line("rule", decision.rule)
    _line("because", decision.because)
    _line("object", f"{decision.kind} {decision.object_id}")
    _line("since", _when(decision.since))
    _line("until", _when(decision.until))
    if decision.until is not None:
        _line("then", decision.level_after or "decided anew")
    _line("plan", plan if decision.seats is None else f"{plan}, {decision.seats} seats")
    for grant in access_grants.not_over(account):
        _line("grant", f"{grant.id}: {grant.level} until {_when(grant.ends_at)}, {grant.reason}")
    for row in access_history.of(account, limit=max(history, 0)):
        _line(_when(row.at), f"{row.level}, {row.rule}: {row.because}")


def _line(name: str, value: str) -> None:
    click.echo(f"{name:<24} {value}")


def _when(at: datetime | None) -> str:
    return moment(at) if at else "open"

"""`flask billing outbox`: what waits to be sent, what was given up and why."""

from __future__ import annotations

import click
from flask.cli import with_appcontext
from sqlalchemy import select

from billing import outbox
from models import OutboxEntry, db

SHOWN = 50


@click.command("outbox")
@click.option("--retry", is_flag=True, help="Make what was given up due again.")
@with_appcontext
def command(retry: bool) -> None:
    """Count the outbox's entries by status, and list those that need a look."""
    if retry:
        again = outbox.retry_failed()
        db.session.commit()
        click.echo(f"{again} to be tried again")
    for status, number in outbox.counts().items():
        click.echo(f"{status}: {number}")
    troubled = db.session.scalars(
        select(OutboxEntry)
        .where(
            (OutboxEntry.status == "failed")
            | (OutboxEntry.status.in_(("pending", "claimed")) & (OutboxEntry.attempts > 0))
        )
        .order_by(OutboxEntry.id)
        .limit(SHOWN)
    )
    for entry in troubled:
        click.echo(f"{entry.key}: {entry.status}, attempt {entry.attempts}: {entry.last_error}")

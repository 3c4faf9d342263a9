"""`flask billing resume-paused`: what was paused until today runs again."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from billing import pauses
from billing.clock import now


@click.command("resume-paused")
@with_appcontext
def command() -> None:
    """Resume the subscriptions whose agreed day has come; safe to run as often as you like."""
    ended = pauses.resume_due(now())
    click.echo(
        f"{ended['resumed']} resumed, {ended['refused']} refused and still paused, "
        f"{ended['waiting']} to be tried again, {ended['dropped']} dropped unconfirmed, "
        f"{ended['over']} over already."
    )

"""`flask billing process-webhooks`: what could not be pulled when it came, tried again."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from billing import webhook_inbox


@click.command("process-webhooks")
@with_appcontext
def command() -> None:
    """Try every pending webhook again; exit status 1 when some stay pending."""
    done, failed = webhook_inbox.sweep()
    click.echo(f"{done} processed, {failed} still pending")
    if failed:
        raise SystemExit(1)

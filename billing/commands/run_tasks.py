"""`flask billing run-tasks`: the background tasks, once, where no worker runs (cron, a test)."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from billing import tasks


@click.command("run-tasks")
@with_appcontext
def command() -> None:
    """Do what is due now: mails, reminders, webhooks left over. Exit status 1 if a task failed."""
    failed = False
    try:
        said = tasks.run_once()
    except tasks.TasksFailed as error:
        failed, said = True, error.said
    for name, words in said.items():
        click.echo(f"{name}: {words}")
    if failed:
        raise SystemExit(1)

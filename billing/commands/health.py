"""`flask billing health`: is billing healthy? For a person, or as JSON for monitoring."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from flask.cli import with_appcontext

from billing import health

MARKS = {health.GOOD: "ok       ", health.ATTENTION: "ATTENTION", health.BAD: "BAD      "}


@click.command("health")
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON object.")
@with_appcontext
def command(as_json: bool) -> None:
    """Say whether billing is healthy, check by check; exit status 1 when it is not."""
    report = health.examine()
    if as_json:
        checks = [asdict(check) for check in report.checks]
        found = {"state": report.state, "said": report.sentence, "checks": checks}
        click.echo(json.dumps(found, indent=2))
    else:
        click.echo(report.sentence)
        for check in report.checks:
            click.echo(f"{MARKS[check.state]}  {check.title}: {check.said}")
            if not check.is_good:
                click.echo(f"           {check.todo}")
    if report.state == health.BAD:
        raise SystemExit(1)

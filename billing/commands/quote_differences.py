"""`flask billing quote-differences`: what was charged otherwise than it was quoted."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from billing import money, quote_differences


@click.command("quote-differences")
@with_appcontext
def command() -> None:
    """List every quote whose invoice differed from it, with the lines that differ."""
    found = quote_differences.found()
    if not found:
        click.echo("Every quote was charged as it said.")
        return
    for one in found:
        quoted = money.text(one.quoted, one.quoted_currency)
        charged = money.text(one.charged, one.charged_currency)
        click.echo(
            f"{one.seen_at:%Y-%m-%d %H:%M} UTC  {one.account.name} (account {one.account_id})  "
            f"invoice {one.invoice_id}  quoted {quoted}, charged {charged}"
        )
        click.echo(f"  quote {one.quote_id} of subscription {one.quote.subscription_id}")
        for line in one.lines:
            said = money.text(line["quoted"], one.quoted_currency)
            came = money.text(line["charged"], one.charged_currency)
            click.echo(f"  {line['line']}: quoted {said}, charged {came}")

"""`flask billing doctor`: is everything set so that billing works?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from billing import clock, sync
from billing.errors import BillingError
from billing.gateway import account, webhook_endpoints
from billing.gateway.client import API_VERSION
from billing.readiness import pending_migrations
from billing.webhook_inbox import HANDLED_TYPES
from config import Settings
from models import db

# Stripe's signatures tolerate 300 seconds; warn long before webhooks begin to fail.
MOST_SKEW_SECONDS = 30

Finding = tuple[bool, str]


@click.command("doctor")
@click.option("--settings-only", is_flag=True, help="Check the environment alone.")
@with_appcontext
def command(settings_only: bool) -> None:
    """Check settings, keys, webhook secret, database, migrations and clock; exit 1 on a problem."""
    settings: Settings = current_app.config["SETTINGS"]
    checks: list[Callable[[Settings], Iterator[Finding]]] = [_settings, _webhook_secret]
    if not settings_only:
        checks += [_database, _stripe, _endpoint, _retention_coupon]
    healthy = True
    for check in checks:
        for good, sentence in check(settings):
            healthy = healthy and good
            click.echo(f"{'ok     ' if good else 'PROBLEM'}  {sentence}")
    if not healthy:
        raise SystemExit(1)


def _settings(settings: Settings) -> Iterator[Finding]:
    mode = "live" if settings.livemode else "test"
    yield True, f"settings: {settings.environment}, site {settings.site_url}"
    yield True, f"keys: both of {mode} mode, Stripe at {settings.stripe_api_base}"
    where = "a folder" if settings.mail.folder else settings.mail.server
    yield True, f"mail: from {settings.mail.sender} through {where}"


def _webhook_secret(settings: Settings) -> Iterator[Finding]:
    count = len(settings.stripe_webhook_secrets)
    if count == 0:
        yield False, "webhook secret: STRIPE_WEBHOOK_SECRET is not set; run stripe-setup"
    else:
        yield True, f"webhook secret: {count} set"


def _database(settings: Settings) -> Iterator[Finding]:
    try:
        with db.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        yield True, f"database: {db.engine.dialect.name} answers"
        pending = pending_migrations()
    except SQLAlchemyError as error:
        yield False, f"database: does not answer ({type(error).__name__}); see DATABASE_URL"
        return
    if pending:
        yield False, f"migrations: {len(pending)} pending; run flask db upgrade"
    else:
        yield True, "migrations: none pending"


def _stripe(settings: Settings) -> Iterator[Finding]:
    try:
        found = account.retrieve()
    except BillingError as error:
        yield (
            False,
            (
                f"stripe: did not let us in or did not answer ({type(error).__name__}); "
                "see STRIPE_SECRET_KEY and the network"
            ),
        )
        return
    yield True, f"stripe: account {found.id} answers at API version {API_VERSION}"
    theirs = account.stripe_time(found)
    if theirs is None:
        yield False, "clock: Stripe did not tell its time, so ours could not be compared"
        return
    skew = abs((clock.now() - theirs).total_seconds())
    if skew > MOST_SKEW_SECONDS:
        yield False, f"clock: {skew:.0f} seconds off Stripe's; set this machine's time (NTP)"
    else:
        yield True, f"clock: within {MOST_SKEW_SECONDS} seconds of Stripe's"


def _retention_coupon(settings: Settings) -> Iterator[Finding]:
    """Also brings the coupon into the mirror, from which the cancellation page reads it."""
    coupon_id = settings.retention_coupon
    if coupon_id is None:
        return
    try:
        coupon = sync.pull("coupon", coupon_id)
    except (BillingError, SQLAlchemyError):
        return  # _stripe or _database has said it
    if coupon.deleted_at is not None:
        yield False, f"retention coupon: Stripe has no coupon {coupon_id}; see RETENTION_COUPON"
    elif not coupon.can_be_redeemed(clock.now()):
        yield False, f"retention coupon: {coupon_id} cannot be redeemed any more"
    else:
        yield True, f"retention coupon: {coupon_id} can be redeemed"


def _endpoint(settings: Settings) -> Iterator[Finding]:
    url = f"{settings.site_url}/webhooks/stripe"
    try:
        endpoint = webhook_endpoints.at(url)
    except BillingError:
        return  # _stripe has said it
    if endpoint is None:
        yield False, f"webhook endpoint: none at {url}; run stripe-setup"
        return
    missing = set(HANDLED_TYPES) - set(endpoint.enabled_events)
    if endpoint.status != "enabled":
        yield False, f"webhook endpoint: {endpoint.id} is disabled; run stripe-setup"
    elif missing and "*" not in endpoint.enabled_events:
        yield False, f"webhook endpoint: lacks {len(missing)} event types; run stripe-setup"
    elif endpoint.api_version != API_VERSION:
        yield (
            False,
            (
                f"webhook endpoint: sends version {endpoint.api_version}; "
                "run stripe-setup --new-secret"
            ),
        )
    else:
        yield True, f"webhook endpoint: {endpoint.id} enabled at {urlsplit(url).path}"

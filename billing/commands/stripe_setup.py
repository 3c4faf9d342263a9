"""`flask billing stripe-setup`: what the portal needs to have in the Stripe account."""

from __future__ import annotations

from urllib.parse import urlsplit

import click
from flask import current_app
from flask.cli import with_appcontext

from billing.gateway import payment_method_domains, portal_configurations, webhook_endpoints
from billing.webhook_inbox import HANDLED_TYPES
from config import Settings
from models import Product


@click.command("stripe-setup")
@click.option(
    "--new-secret", is_flag=True, help="Replace the webhook endpoint to obtain a new secret."
)
@with_appcontext
def command(new_secret: bool) -> None:
    """Create or update the webhook endpoint, the hosted portal and the domain at Stripe.

    Safe to run again: what is there is updated. The endpoint's secret is shown once, when the
    endpoint is created.
    """
    settings: Settings = current_app.config["SETTINGS"]
    _webhook_endpoint(f"{settings.site_url}/webhooks/stripe", new_secret)
    _hosted_portal(settings)
    domain = payment_method_domains.register(urlsplit(settings.site_url).hostname or "")
    click.echo(f"domain {domain.domain_name}: registered for wallets")


def _webhook_endpoint(url: str, new_secret: bool) -> None:
    endpoint = webhook_endpoints.at(url)
    if endpoint is not None and new_secret:
        webhook_endpoints.delete(endpoint.id)
        endpoint = None
    if endpoint is not None:
        webhook_endpoints.update(endpoint.id, HANDLED_TYPES)
        click.echo(f"webhook endpoint {endpoint.id}: up to date, {len(HANDLED_TYPES)} event types")
        return
    endpoint = webhook_endpoints.create(url, HANDLED_TYPES)
    click.echo(f"webhook endpoint {endpoint.id}: created, {len(HANDLED_TYPES)} event types")
    click.echo("Keep its secret in the portal's environment; Stripe does not show it again:")
    click.echo(f"STRIPE_WEBHOOK_SECRET={endpoint.secret}")


def _hosted_portal(settings: Settings) -> None:
    plans = Product.offered()
    # Stripe's portal lets everyone change to every plan in its list: where a plan has paths of its
    # own, plans are changed on our pages only.
    has_paths = any(plan.changes_to for plan in plans)
    prices = {
        plan.stripe_id: [price.stripe_id for price in plan.prices if price.active]
        for plan in ([] if has_paths else plans)
    }
    configuration = portal_configurations.save(
        return_url=settings.site_url,
        privacy_url=settings.brand.privacy_url,
        terms_url=settings.brand.terms_url,
        prices_by_product={product: found for product, found in prices.items() if found},
    )
    click.echo(f"hosted portal {configuration.id}: {len(prices)} plans to switch between")

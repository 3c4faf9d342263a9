"""`flask billing seed-demo`: plans and people to look at, made through Stripe's API."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import with_appcontext
from flask_security import hash_password

from billing import demo_catalog, sync
from billing.gateway import catalog, demo_history
from config import Settings
from models import Account, Membership, User, db

DEMO_PASSWORD = "demo-portal-2026"  # noqa: S105  known to everybody: works with the sandbox only
PEOPLE = (
    # address, name, account, staff role
    ("owner@demo.example", "Ada Lindqvist", "Northwind Traders", None),
    ("new@demo.example", "Noor Haddad", "Fjord Studio", None),
    ("admin@demo.example", "Ines Ferreira", None, "admin"),
    ("support@demo.example", "Sunniva Dahl", None, "support"),
    ("finance@demo.example", "Femi Kolade", None, "finance"),
)
SUBSCRIBER = "Northwind Traders"


@click.command("seed-demo")
@click.option("--password", help="For a Stripe test account: a password of your own choice.")
@with_appcontext
def command(password: str | None) -> None:
    """Create the demo's plans, people and a subscriber; what exists already is left alone."""
    settings: Settings = current_app.config["SETTINGS"]
    if settings.livemode:
        raise click.ClickException("The demo is never put into a live account.")
    if password is None and not settings.allows_demo_password:
        raise click.ClickException(
            "The demo's password is known to everybody, so it works with the sandbox only. "
            "With a Stripe test account choose one: flask billing seed-demo --password ..."
        )
    demo_catalog.put_in_place()
    for email, name, account, role in PEOPLE:
        _person(email, name, account, role, password or DEMO_PASSWORD)
    _subscriber()
    click.echo("The demo is in place.")


def _person(email: str, name: str, account: str | None, role: str | None, password: str) -> None:
    security = current_app.extensions["security"]
    datastore = security.datastore
    if datastore.find_user(email=email) is not None:
        return
    user: User = datastore.create_user(
        email=email,
        name=name,
        password=hash_password(password),
        confirmed_at=security.datetime_factory(),
    )
    if role is not None:
        datastore.add_role_to_user(user, datastore.find_or_create_role(role))
    if account is not None:
        owned = Account(name=account)
        owned.memberships.append(Membership(user=user, role="owner"))
        db.session.add(owned)
    db.session.commit()


def _subscriber() -> None:
    """An account on Team with five seats, three more bought since, and a workshop."""
    account = db.session.query(Account).filter_by(name=SUBSCRIBER).one()
    if account.stripe_customer_id is not None:
        return
    account_id = account.id
    customer = demo_history.create_subscriber(account_id, SUBSCRIBER, "billing@northwind.example")
    price = catalog.price_by_lookup_key("demo_team_month")
    if price is None:
        raise click.ClickException("The plan Team is missing at Stripe.")
    demo_history.bill_once(customer.id, "Onboarding workshop", 25000, price.currency)
    subscription = demo_history.create_subscription(customer.id, price.id, 5)
    demo_history.set_seats(subscription, 8)
    # Ours alone to write, and last: a start that was interrupted begins again with a customer.
    db.session.get_one(Account, account_id).stripe_customer_id = customer.id
    db.session.commit()
    sync.pull("customer", customer.id)
    sync.pull("subscription", subscription.id)
    for invoice_id in demo_history.invoices_of(customer.id):
        sync.pull("invoice", invoice_id)

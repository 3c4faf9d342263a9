"""The portal, carried to an in-process sandbox; the network is blocked; time stands still."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_socket
import responses
import stripe as stripe_sdk
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from flask_security import hash_password
from itsdangerous import URLSafeTimedSerializer

import config
from billing import create_app, demo_catalog, flask_config, sync
from billing.extensions import limiter
from billing.gateway import client as gateway_client
from models import Account, Membership, Subscription, User, db
from sandbox import clock as sandbox_clock
from sandbox import events as sandbox_events
from sandbox.testing import carry
from tests import databases
from tests.databases import Database, PostgresDatabase, SqliteFile
from tests.shared import SharedPortal, SharedSandbox

SITE = "http://127.0.0.1:8000"
PASSWORD = "correct-horse-battery"
WEBHOOK_SECRET = "whsec_test_of_the_suite"
START = datetime(2026, 11, 19, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def blocked_network(request: pytest.FixtureRequest) -> Iterator[None]:
    """Nothing leaves this machine, and most tests may open no connection at all."""
    marked = request.node.get_closest_marker
    if marked("browser") or marked("loopback"):
        pytest_socket.socket_allow_hosts(["127.0.0.1", "localhost"], allow_unix_socket=True)
    else:
        pytest_socket.disable_socket(allow_unix_socket=True)
    yield
    pytest_socket.enable_socket()
    pytest_socket._remove_restrictions()


class Clock:
    """The time of the portal and of its sandbox together; it moves only when told."""

    def __init__(self, traveller: Any):
        self._traveller = traveller

    def set(self, moment: datetime) -> None:
        self._traveller.move_to(moment, tick=False)

    def advance(self, **step: float) -> None:
        self.set(self.now + timedelta(**step))

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)


@pytest.fixture
def clock() -> Iterator[Clock]:
    sandbox_clock.reset()
    with time_machine.travel(START, tick=False) as traveller:
        yield Clock(traveller)


@pytest.fixture(scope="session")
def shared_sandbox() -> SharedSandbox:
    return SharedSandbox()


@pytest.fixture
def sandbox(clock: Clock, shared_sandbox: SharedSandbox) -> Flask:
    return shared_sandbox.renew()


@pytest.fixture
def stripe_calls(sandbox: Flask) -> Iterator[Any]:
    """Every request made to Stripe so far: `[call.request.path_url for call in stripe_calls]`."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        carry(mock, sandbox, config.SANDBOX)
        yield mock.calls


class Browser(FlaskClient):
    """A test client that sends the CSRF token of its own session, as our pages do.

    `client.post(url, csrf=False)` leaves it out.
    """

    def open(self, *args: Any, csrf: bool = True, **kwargs: Any) -> Any:
        kwargs.setdefault("base_url", SITE)
        if csrf and kwargs.get("method") in {"POST", "PUT", "PATCH", "DELETE"}:
            kwargs["headers"] = {**dict(kwargs.get("headers") or {}), "X-CSRFToken": self.token()}
        return super().open(*args, **kwargs)

    def token(self) -> str:
        """A token that Flask-WTF accepts for this session."""
        with self.session_transaction(base_url=SITE) as session:
            raw = session.setdefault("csrf_token", "f" * 40)
        signer = URLSafeTimedSerializer(self.application.secret_key, salt="wtf-csrf-token")
        return str(signer.dumps(raw))


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """What the portal's tables lie in: SQLite, or PostgreSQL when `TEST_DATABASE` says so."""
    on_postgres = databases.chosen() == "postgresql"
    database = PostgresDatabase() if on_postgres else SqliteFile(tmp_path_factory.mktemp("portal"))
    yield database
    database.drop()


@pytest.fixture(scope="session")
def shared_portal(database: Database) -> SharedPortal:
    return SharedPortal(settings_on(database.url), Browser, database)


def settings_on(database_url: str) -> config.Settings:
    return config.Settings(
        environment="development",
        secret_key="secret-of-the-suite-which-is-long-enough",
        database_url=database_url,
        site_url=SITE,
        stripe_secret_key="sk_test_suite",
        stripe_publishable_key="pk_test_suite",
        stripe_webhook_secrets=(WEBHOOK_SECRET,),
        stripe_api_base=config.SANDBOX,
        stripe_js_url=f"{config.SANDBOX}/stripe.js",
        brand=config.Brand(),
        mail=config.Mail(sender="billing@tidewater.example"),
        stripe_network_retries=0,
        testing=True,
    )


@pytest.fixture
def settings(shared_portal: SharedPortal) -> config.Settings:
    """The suite's settings; nothing is in their database yet."""
    shared_portal.forget_database()
    return shared_portal.settings


@pytest.fixture
def bare_settings(settings: config.Settings) -> Iterator[config.Settings]:
    """The suite's settings with a database that has no tables."""
    if databases.chosen() == "sqlite":
        yield settings
    else:
        database = PostgresDatabase()
        yield replace(settings, database_url=database.url)
        database.drop()


@pytest.fixture
def app(
    settings: config.Settings, stripe_calls: Any, shared_portal: SharedPortal
) -> Iterator[Flask]:
    if settings == shared_portal.settings:
        yield shared_portal.renew()
    else:
        yield from portal_with(settings)


def portal_with(settings: config.Settings) -> Iterator[Flask]:
    """An application of its own, for a test with settings of its own."""
    app = create_app(settings)
    app.test_client_class = Browser
    with app.app_context():
        db.create_all()
        databases.empty_of_rows()
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def limited(
    settings: config.Settings, stripe_calls: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Flask]:
    """The portal with its rate limits, which every other test goes without."""
    values = flask_config.values
    monkeypatch.setattr(
        flask_config, "values", lambda given: {**values(given), "RATELIMIT_ENABLED": True}
    )
    yield from portal_with(settings)
    # One object counts for every application of the process.
    limiter.reset()
    limiter.enabled = False


@pytest.fixture
def db_session(app: Flask) -> Iterator[Any]:
    """An application context for arranging and looking at rows."""
    with app.app_context():
        yield db.session


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A visitor who has not signed in."""
    return app.test_client()


@pytest.fixture
def stripe(stripe_calls: Any) -> stripe_sdk.StripeClient:
    """A client of the sandbox, for arranging what happened at Stripe."""
    return stripe_sdk.StripeClient(
        "sk_test_suite",
        http_client=stripe_sdk.RequestsClient(),
        base_addresses={"api": config.SANDBOX},
    )


@pytest.fixture
def stripe_is_down(app: Flask) -> Callable[[], Callable[[], None]]:
    """Call it, and nothing answers at Stripe's address; call the result to bring it back."""

    def down() -> Callable[[], None]:
        nowhere = replace(app.config["SETTINGS"], stripe_api_base="http://127.0.0.1:9")
        app.extensions["stripe"] = gateway_client.build(nowhere)

        def up() -> None:
            del app.extensions["stripe"]

        return up

    return down


class Made:
    """Both databases as they were after the plans were first put in place.

    Making the plans takes some forty calls; the tests that begin with nothing else share them.
    """

    def __init__(self) -> None:
        self.before: tuple[int, int] | None = None
        self.after: tuple[bytes, Any] | None = None

    def put_in_place(self, sandbox: Flask, database: Database) -> None:
        stripe = sandbox.storage._connection
        begun = rows_in(stripe), databases.rows_in_portal()
        db.session.remove()
        if self.after is not None and begun == self.before:
            kept, portal = self.after
            source = sqlite3.connect(":memory:")
            source.deserialize(kept)
            source.backup(stripe)
            database.put_back(portal)
        else:
            demo_catalog.put_in_place()
            db.session.remove()
            self.before, self.after = begun, (stripe.serialize(), database.keep())


def rows_in(connection: sqlite3.Connection) -> int:
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    counts = [connection.execute(f'SELECT count(*) FROM "{name}"') for (name,) in names]  # noqa: S608
    return sum(count.fetchone()[0] for count in counts)


@pytest.fixture(scope="session")
def made() -> Made:
    return Made()


@pytest.fixture
def catalog(
    app: Flask, sandbox: Flask, settings: config.Settings, made: Made, database: Database
) -> None:
    """The demo's plans at Stripe and in the mirror: Starter, Team, Business; USD, EUR, JPY."""
    with app.app_context():
        if settings.database_url == database.url:
            made.put_in_place(sandbox, database)
        else:
            demo_catalog.put_in_place()


@dataclass
class People:
    """Makes users and accounts, and signs them in through the front door."""

    app: Flask

    def join(self, email: str, account: str = "Northwind", role: str = "owner") -> int:
        """A confirmed user in the account of that name (made when missing); the account's id."""
        with self.app.app_context():
            found = db.session.query(Account).filter_by(name=account).one_or_none()
            found = found or Account(name=account)
            datastore = self.app.extensions["security"].datastore
            user = datastore.find_user(email=email) or datastore.create_user(
                email=email,
                name=email.split("@")[0].title(),
                password=hash_password(PASSWORD),
                confirmed_at=datetime.now(UTC).replace(tzinfo=None),
            )
            found.memberships.append(Membership(user=user, role=role))
            db.session.add(found)
            db.session.commit()
            return found.id

    def staff(self, email: str, role: str) -> None:
        with self.app.app_context():
            datastore = self.app.extensions["security"].datastore
            user = datastore.create_user(
                email=email,
                name=role.title(),
                password=hash_password(PASSWORD),
                confirmed_at=datetime.now(UTC).replace(tzinfo=None),
            )
            datastore.add_role_to_user(user, datastore.find_or_create_role(role))
            db.session.commit()

    def staff_member(self, email: str, role: str) -> Browser:
        """A client signed in as new staff, with the second factor that staff must have."""
        self.staff(email, role)
        client = self.sign_in(email)
        with self.app.app_context():
            user = db.session.query(User).filter_by(email=email).one()
            user.tf_primary_method, user.tf_totp_secret = "authenticator", "enrolled"
            db.session.commit()
        return client

    def sign_in(self, email: str) -> Browser:
        """A client signed in as that user."""
        client = self.app.test_client()
        answer = client.post("/login", data={"email": email, "password": PASSWORD})
        assert answer.status_code == 302, answer.get_data(as_text=True)
        return client

    def owner(self, email: str = "ada@northwind.example", account: str = "Northwind") -> Browser:
        """A signed-in owner of a new account."""
        self.join(email, account)
        return self.sign_in(email)


@pytest.fixture
def people(app: Flask) -> People:
    return People(app)


@pytest.fixture
def sign_in(people: People) -> Callable[[str], Browser]:
    return people.sign_in


@pytest.fixture
def subscribe(app: Flask, stripe: stripe_sdk.StripeClient, catalog: None) -> Callable[..., str]:
    """Gives an account a customer with a card and a subscription, at Stripe and in the mirror.

    `subscribe("Northwind", "team", quantity=8)`; more keywords go to Stripe as they are.
    """

    def make(
        account: str = "Northwind",
        plan: str = "team",
        interval: str = "month",
        quantity: int = 1,
        card: str = "pm_card_visa",
        **params: Any,
    ) -> str:
        with app.app_context():
            row = db.session.query(Account).filter_by(name=account).one()
            if row.stripe_customer_id is None:
                customer = stripe.v1.customers.create(
                    {"name": account, "email": "billing@northwind.example"}
                )
                method = stripe.v1.payment_methods.attach(card, {"customer": customer.id})
                stripe.v1.customers.update(
                    customer.id, {"invoice_settings": {"default_payment_method": method.id}}
                )
                row.stripe_customer_id = customer.id
                db.session.commit()
                sync.pull("payment_method", method.id)
            price = stripe.v1.prices.list({"lookup_keys": [f"demo_{plan}_{interval}"]}).data[0]
            made = stripe.v1.subscriptions.create(
                {
                    "customer": row.stripe_customer_id,
                    "items": [{"price": price.id, "quantity": quantity}],
                    **params,
                }
            )
            sync.pull("customer", row.stripe_customer_id)
            sync.pull("subscription", made.id)
            for invoice in stripe.v1.invoices.list({"subscription": made.id}).data:
                sync.pull("invoice", invoice.id)
            return made.id

    return make


@pytest.fixture
def webhook_endpoint(sandbox: Flask, stripe: stripe_sdk.StripeClient) -> str:
    """Registers the portal's endpoint at the sandbox, so that events queue up for it."""
    made = stripe.v1.webhook_endpoints.create(
        {"url": f"{SITE}/webhooks/stripe", "enabled_events": ["*"]}
    )
    return made.id


@pytest.fixture
def deliver(client: FlaskClient, clock: Clock) -> Callable[..., Any]:
    """Posts one event, signed as Stripe signs it, to the webhook route; the answer."""

    def post(event: dict[str, Any], secret: str = WEBHOOK_SECRET, at: int | None = None) -> Any:
        body = json.dumps(event).encode()
        stamp = int(clock.now.timestamp()) if at is None else at
        return client.post(
            "/webhooks/stripe",
            data=body,
            csrf=False,
            content_type="application/json",
            headers={"Stripe-Signature": sandbox_events.signature(body, secret, stamp)},
        )

    return post


@pytest.fixture
def deliver_webhooks(
    webhook_endpoint: str, stripe: stripe_sdk.StripeClient, deliver: Callable[..., Any]
) -> Callable[[], list[int]]:
    """Delivers every event the sandbox has recorded, oldest first; the status codes."""

    def run() -> list[int]:
        events = list(stripe.v1.events.list({"limit": 100}).auto_paging_iter())
        return [deliver(event.to_dict(for_json=True)).status_code for event in reversed(events)]

    return run


def mirrored(subscription_id: str) -> Subscription | None:
    """The mirror's row of a subscription, freshly read."""
    db.session.expire_all()
    return db.session.get(Subscription, subscription_id)

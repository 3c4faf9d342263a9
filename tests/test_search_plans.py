"""No page about customers counts or looks through a big table, however many accounts there are.

Every statement that a page makes is recorded, and the database is asked how it would run it.
"""

from __future__ import annotations

import dataclasses
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest
import sqlalchemy as sa

import config
from billing import generated_accounts
from models import Account, Invoice, Subscription, WebhookEvent, db
from tests.conftest import People, portal_with

POSTGRES = "postgresql+psycopg://postgres@127.0.0.1:5432"
ACCOUNTS = 2000
BIG = {
    "accounts",
    "users",
    "memberships",
    "customers",
    "subscriptions",
    "subscription_items",
    "invoices",
    "invoice_lines",
    "payment_methods",
    "payment_references",
    "search_terms",
    "customer_terms",
    "webhook_events",
    "audit_entries",
    "outbox_entries",
    "access_decisions",
}


@dataclass
class Portal:
    """A portal with generated accounts, and staff at its door."""

    app: Any
    staff: Any
    account: int
    failing: int
    invoice_number: str
    intent: str


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A database that the tests here share; PostgreSQL gets one that is dropped after."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('many')}/portal.sqlite3"
        return
    if find_spec("psycopg") is None:
        pytest.skip("PostgreSQL needs its driver, the package psycopg, which is not installed")
    psycopg = import_module("psycopg")
    try:
        server = psycopg.connect(
            "host=127.0.0.1 user=postgres dbname=test connect_timeout=2", autocommit=True
        )
    except psycopg.OperationalError as error:
        pytest.skip(f"no PostgreSQL answers at 127.0.0.1:5432 for user postgres: {error}")
    name = f"search_{uuid.uuid4().hex}"
    server.execute(f"CREATE DATABASE {name}")
    try:
        yield f"{POSTGRES}/{name}"
    finally:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        server.close()


@pytest.fixture
def portal(settings: config.Settings, stripe_calls: Any, database_url: str) -> Iterator[Portal]:
    """A portal on the generated accounts, made by whichever test comes first."""
    for app in portal_with(dataclasses.replace(settings, database_url=database_url)):
        with app.app_context():
            if db.session.scalar(sa.select(Account.id).limit(1)) is None:
                generated_accounts.generate(ACCOUNTS, seed=7, invoices=1)
                _send_webhooks()
            failing = sa.select(Subscription).where(Subscription.status == "past_due").limit(1)
            invoice = db.session.scalars(sa.select(Invoice).limit(1)).one()
            known = {
                "account": _account_of(invoice.customer_id),
                "failing": _account_of(db.session.scalars(failing).one().customer_id),
                "invoice_number": invoice.number,
                "intent": invoice.data["payments"]["data"][0]["payment"]["payment_intent"],
            }
        address = f"{uuid.uuid4().hex}@tidewater.example"
        yield Portal(app, People(app).staff_member(address, "admin"), **known)


def _account_of(customer_id: str) -> int:
    return db.session.scalars(
        sa.select(Account.id).where(Account.stripe_customer_id == customer_id)
    ).one()


def _send_webhooks() -> None:
    """One webhook for each account, and statistics to plan by."""
    rows = db.session.execute(sa.select(Account.stripe_customer_id, Account.created_at)).all()
    db.session.execute(
        sa.insert(WebhookEvent),
        [
            {
                "stripe_id": f"evt_gen{n}",
                "type": "invoice.paid",
                "object_kind": "invoice",
                "object_id": f"in_gen{n}",
                "livemode": False,
                "created": created + timedelta(hours=1),
                "customer_id": customer_id,
                "payload": {},
            }
            for n, (customer_id, created) in enumerate(rows)
        ],
    )
    db.session.execute(sa.text("ANALYZE"))
    db.session.commit()


class Recorder:
    """The statements that reach the database, with their parameters."""

    def __init__(self) -> None:
        self.made: list[tuple[str, object]] = []

    def __call__(self, _connection, _cursor, statement, parameters, _context, _many) -> None:
        self.made.append((statement, parameters))


def statements(portal: Portal, address: str) -> list[tuple[str, object]]:
    """Every statement of one page, its reader's own among them."""
    recorder = Recorder()
    with portal.app.app_context():
        engine = db.engine
    sa.event.listen(engine, "before_cursor_execute", recorder)
    try:
        answer = portal.staff.get(address)
    finally:
        sa.event.remove(engine, "before_cursor_execute", recorder)
    assert answer.status_code in {200, 302}, (address, answer.status_code)
    return recorder.made


PAGES: dict[str, Callable[[Portal], str]] = {
    "the list": lambda _: "/admin/customers",
    "one letter": lambda _: "/admin/customers?q=a",
    "a word": lambda _: "/admin/customers?q=north",
    "two words": lambda _: "/admin/customers?q=north+tra",
    "a common word": lambda _: "/admin/customers?q=example",
    "another script": lambda _: "/admin/customers?q=%E6%9D%B1",
    "a mail": lambda of: "/admin/customers?q=ada.1@gen.example",
    "a customer's mail": lambda of: f"/admin/customers?q=billing.{of.account}@gen.example",
    "four digits": lambda _: "/admin/customers?q=4242",
    "a customer's id": lambda of: f"/admin/customers?q=cus_gen{of.account:08}",
    "a subscription's id": lambda of: f"/admin/customers?q=sub_gen{of.account:08}",
    "a payment's id": lambda of: f"/admin/customers?q={of.intent}",
    "a card's id": lambda of: f"/admin/customers?q=pm_gen{of.account:08}",
    "an item's id": lambda of: f"/admin/customers?q=si_gen{of.account:08}",
    "an event's id": lambda _: "/admin/customers?q=evt_gen5",
    "an unknown id": lambda _: "/admin/customers?q=ch_nothing",
    "an invoice number": lambda of: f"/admin/customers?q={of.invoice_number}",
    "no hits": lambda _: "/admin/customers?q=zzzz",
    "a status": lambda _: "/admin/customers?status=active",
    "a rare status": lambda _: "/admin/customers?status=paused",
    "a plan": lambda _: "/admin/customers?plan=prod_gen_team",
    "a price": lambda _: "/admin/customers?price=price_gen_team",
    "a plan and a status": lambda _: "/admin/customers?plan=prod_gen_team&status=unpaid",
    "failed payments": lambda _: "/admin/customers?failed=y",
    "a word and filters": lambda _: "/admin/customers?q=north&failed=y&status=past_due",
    "an account": lambda of: f"/admin/customers/{of.account}",
    "an account that fails": lambda of: f"/admin/customers/{of.failing}",
    "its timeline": lambda of: f"/admin/customers/{of.account}/timeline",
    "older in its timeline": lambda of: (
        f"/admin/customers/{of.account}/timeline?page=%3C2026-11-01T00:00:00%2B00:00|event|5|"
    ),
    "newer in its timeline": lambda of: (
        f"/admin/customers/{of.account}/timeline?page=%3E2020-11-01T00:00:00%2B00:00|event|5|"
    ),
    "its payments": lambda of: f"/admin/customers/{of.account}/timeline?kind=payments",
    "its invoices": lambda of: f"/admin/customers/{of.account}/invoices",
    "granting access": lambda of: f"/admin/customers/{of.account}/access-grants/new",
    "viewing as it": lambda of: f"/admin/customers/{of.account}/view",
    "its customer at Stripe": lambda of: f"/admin/stripe-customers/cus_gen{of.account:08}",
}

# The newest accounts straight from the end of the primary key, and no more than a page of them.
NEWEST = re.compile(r"FROM accounts\b(?!.*\bWHERE\b).*ORDER BY accounts\.id DESC\s+LIMIT", re.S)


def plan_of(statement: str, parameters: object) -> list[str]:
    """How the database would run the statement, a step a line."""
    raw = db.session.connection().connection.cursor()
    explain = "EXPLAIN" if db.engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    raw.execute(f"{explain} {statement}", parameters)
    return [str(row[-1]) for row in raw.fetchall()]


def scans(statement: str, plan: list[str]) -> list[str]:
    """The steps that go through a big table from end to end."""
    names = {
        alias: table for table, alias in re.findall(r"(?:FROM|JOIN) (\w+) AS (\w+)", statement)
    }
    found = []
    for step in plan:
        said = re.search(r"\bSCAN (?:TABLE )?(\w+)|Seq Scan on (\w+)", step)
        table = said and (said[1] or said[2])
        if table and names.get(table, table) in BIG:
            found.append(step)
    return found


def test_no_page_counts_or_looks_through_a_big_table(portal):
    wrong = []
    for name, address in PAGES.items():
        for statement, parameters in statements(portal, address(portal)):
            if not statement.lstrip().upper().startswith(("SELECT", "WITH")):
                continue
            with portal.app.app_context():
                if db.engine.dialect.name == "postgresql":
                    # A few thousand rows fit into memory: as many as there may be do not.
                    db.session.execute(sa.text("SET LOCAL enable_seqscan = off"))
                found = scans(statement, plan_of(statement, parameters))
            if "count(" in statement.lower():
                wrong.append((name, "counts", statement))
            if found and not NEWEST.search(statement):
                wrong.append((name, found, statement))
    assert not wrong, "\n\n".join(f"{name}: {what}\n{statement}" for name, what, statement in wrong)


def test_a_page_asks_few_questions_however_much_there_is_to_show(portal):
    asked = {
        name: len(statements(portal, PAGES[name](portal)))
        for name in ("the list", "a word", "an account", "an account that fails", "its timeline")
    }
    # The reader and their roles are two of them.
    assert asked["the list"] <= 9, asked
    assert asked["a word"] <= 10, asked
    assert asked["its timeline"] <= 5, asked
    assert asked["an account"] <= 20, asked
    assert asked["an account that fails"] <= 21, asked

"""Two pulls of one object at once: whichever writes last, the newer state stays.

On SQLite always; on PostgreSQL when one answers at 127.0.0.1:5432 (user postgres, database test).
"""

from __future__ import annotations

import dataclasses
import threading
import uuid
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest
from sqlalchemy import event

import config
from billing import sync
from billing.gateway import customers, subscriptions
from models import Customer, Subscription, db

POSTGRES = "postgresql+psycopg://postgres@127.0.0.1:5432"


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(
    request: pytest.FixtureRequest, settings: config.Settings
) -> Iterator[config.Settings]:
    """The suite's settings, on each database; PostgreSQL gets a database that is dropped after."""
    if request.param == "sqlite":
        yield settings
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
    name = f"crossed_{uuid.uuid4().hex}"
    server.execute(f"CREATE DATABASE {name}")
    try:
        yield dataclasses.replace(settings, database_url=f"{POSTGRES}/{name}")
    finally:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        server.close()


class Crossing:
    """Holds one thread's first answer back until another pull has come and gone."""

    def __init__(self, app: Any, monkeypatch: pytest.MonkeyPatch, gateway: Any):
        self.app = app
        self.fetched, self.release = threading.Event(), threading.Event()
        self.held: list[Any] = []
        real = gateway.retrieve

        def retrieve(stripe_id: str) -> Any:
            found = real(stripe_id)
            if threading.current_thread().name == "slow" and not self.held:
                self.held.append(found)
                self.fetched.set()
                assert self.release.wait(20)
            return found

        monkeypatch.setattr(gateway, "retrieve", retrieve)

    def run(self, kind: str, stripe_id: str, meanwhile: Callable[[], Any]) -> None:
        """A slow pull fetches; `meanwhile` happens at Stripe; a quick pull; the slow one writes."""
        failures: list[BaseException] = []

        def slow() -> None:
            try:
                with self.app.app_context():
                    sync.pull(kind, stripe_id)
            except BaseException as error:
                failures.append(error)
                raise

        thread = threading.Thread(target=slow, name="slow")
        thread.start()
        assert self.fetched.wait(20)
        meanwhile()
        with self.app.app_context():
            sync.pull(kind, stripe_id)
        self.release.set()
        thread.join(30)
        assert not thread.is_alive()
        assert failures == []


@pytest.fixture
def crossing(app: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], Crossing]:
    return lambda gateway: Crossing(app, monkeypatch, gateway)


def mirrored(app: Any, model: Any, stripe_id: str) -> Any:
    with app.app_context():
        return db.session.get(model, stripe_id)


@pytest.mark.parametrize("known", [True, False], ids=["known before", "unknown before"])
def test_two_crossed_pulls_end_with_the_newer_state(app, stripe, crossing, known):
    customer = stripe.v1.customers.create({"name": "Old name"})
    if known:
        with app.app_context():
            sync.pull("customer", customer.id)
    both = crossing(customers)
    both.run(
        "customer",
        customer.id,
        lambda: stripe.v1.customers.update(customer.id, {"name": "New name"}),
    )
    assert both.held[0].name == "Old name"
    assert mirrored(app, Customer, customer.id).name == "New name"


def test_a_late_update_never_revives_a_cancelled_subscription(
    app, stripe, people, subscribe, crossing
):
    people.join("ada@northwind.example")
    subscription = subscribe()
    both = crossing(subscriptions)
    both.run("subscription", subscription, lambda: stripe.v1.subscriptions.cancel(subscription))
    assert both.held[0].status == "active"
    row = mirrored(app, Subscription, subscription)
    assert (row.status, row.is_live) == ("canceled", False)


@pytest.mark.parametrize("known", [True, False], ids=["known before", "unknown before"])
def test_a_late_write_never_lifts_a_tombstone(app, stripe, crossing, known):
    customer = stripe.v1.customers.create({"name": "Northwind"})
    if known:
        with app.app_context():
            sync.pull("customer", customer.id)
    both = crossing(customers)
    both.run("customer", customer.id, lambda: stripe.v1.customers.delete(customer.id))
    assert mirrored(app, Customer, customer.id).deleted_at is not None


def test_a_change_that_is_undone_in_between_does_not_hide(app, stripe, crossing):
    """The row looks untouched when the slow pull writes, but what it holds is older all the same.

    Old, then new, then old again at Stripe: the slow pull fetched the "new" that is over.
    """
    customer = stripe.v1.customers.create({"name": "Old name"})
    with app.app_context():
        sync.pull("customer", customer.id)
    stripe.v1.customers.update(customer.id, {"name": "New name"})
    both = crossing(customers)
    both.run(
        "customer",
        customer.id,
        lambda: stripe.v1.customers.update(customer.id, {"name": "Old name"}),
    )
    assert both.held[0].name == "New name"
    assert mirrored(app, Customer, customer.id).name == "Old name"


@pytest.mark.parametrize("known", [True, False], ids=["known before", "unknown before"])
def test_a_pull_beaten_while_it_writes_fetches_again(app, stripe, known):
    customer = stripe.v1.customers.create({"name": "Old name"})
    if known:
        with app.app_context():
            sync.pull("customer", customer.id)
    beaten = []

    def rival() -> None:
        stripe.v1.customers.update(customer.id, {"name": "New name"})
        with app.app_context():
            sync.pull("customer", customer.id)

    def before_flush(*_: Any) -> None:
        if threading.current_thread() is threading.main_thread() and not beaten:
            beaten.append(True)
            thread = threading.Thread(target=rival)
            thread.start()
            thread.join(30)

    with app.app_context():
        event.listen(db.session, "before_flush", before_flush)
        try:
            sync.pull("customer", customer.id)
        finally:
            event.remove(db.session, "before_flush", before_flush)
    row = mirrored(app, Customer, customer.id)
    assert (beaten, row.name, row.version) == ([True], "New name", 3 if known else 2)


def test_many_pulls_and_changes_at_once_end_with_the_last_state(app, stripe):
    customer = stripe.v1.customers.create({"name": "0"})
    together = threading.Barrier(4)
    failures: list[BaseException] = []

    def work(number: int) -> None:
        together.wait(20)
        try:
            for step in range(3):
                stripe.v1.customers.update(customer.id, {"name": f"{number}.{step}"})
                with app.app_context():
                    sync.pull("customer", customer.id)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert (
        mirrored(app, Customer, customer.id).name == stripe.v1.customers.retrieve(customer.id).name
    )

"""1,000 subscribers move to a new price while the worker is killed in the middle.

The real command as a process, against the sandbox as a process; what came of it is asked of the
sandbox over HTTP: exactly one schedule each, with the right phases, and then the right charges.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe as stripe_sdk

from billing import create_app, sync
from billing.sync.kinds import KINDS
from models import PriceChange, PriceMove, db
from tests import thousand
from tests.conftest import Browser, People, settings_on
from tests.price_changing import Changing

ROOT = Path(__file__).resolve().parent.parent
COUNT = 1000
NEW = {"usd": 5400, "eur": 4950, "jpy": 8200}
PATIENCE = 300


class Machine:
    """The sandbox and the portal's commands, each a process; the portal's pages in this one."""

    def __init__(self, folder: Path):
        self.folder = folder
        file = folder / "sandbox.sqlite3"
        subprocess.run(
            [sys.executable, "-m", "tests.thousand", str(file), str(COUNT)], cwd=ROOT, check=True
        )
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        self.clock_file = folder / "ahead"
        self.sandbox = subprocess.Popen(
            [
                *(sys.executable, "-m", "sandbox", "--port", str(port)),
                *("--data", str(file), "--clock-file", str(self.clock_file)),
            ],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._wait_until_it_answers()
        self.stripe = stripe_sdk.StripeClient(
            "sk_test_suite",
            http_client=stripe_sdk.RequestsClient(),
            base_addresses={"api": self.address},
            max_network_retries=2,
        )
        self.database = f"sqlite:///{folder / 'portal.sqlite3'}"
        settings = replace(
            settings_on(self.database),
            stripe_api_base=self.address,
            clock_offset_file=self.clock_file,
        )
        self.app = create_app(settings)
        self.app.test_client_class = Browser
        with self.app.app_context():
            db.create_all()
        with self.app.app_context():
            for kind in ("product", "price", "customer", "subscription"):
                self._mirror(kind)

    def _mirror(self, kind: str) -> None:
        """Page by page, as a backfill does, of the kinds that a price change needs."""
        last, more = None, True
        while more:
            fetch = partial(KINDS[kind].gateway.page, starting_after=last)
            page = sync.pull_page(kind, fetch)
            last, more = page.data[-1].id, page.has_more

    def _wait_until_it_answers(self) -> None:
        while True:
            try:
                requests.get(f"{self.address}/healthz", timeout=5)
                return
            except requests.ConnectionError:
                assert self.sandbox.poll() is None

    def mover(self) -> subprocess.Popen[str]:
        """`flask billing move-prices`, which says how far it is after every 25 subscribers."""
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "flask", "--app", "wsgi", "billing", "move-prices"),
                *("--at-once", "25"),
            ],
            cwd=ROOT,
            env={
                **os.environ,
                "DATABASE_URL": self.database,
                "STRIPE_SECRET_KEY": "sk_test_suite",
                "STRIPE_API_BASE": self.address,
                "CLOCK_OFFSET_FILE": str(self.clock_file),
                "MAIL_FOLDER": str(self.folder / "mail"),
            },
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def kill_in_the_middle(self, lines: int) -> None:
        """Runs the command and kills it, as the kernel would, some time after so many lines."""
        mover = self.mover()
        assert mover.stdout is not None
        for _ in range(lines):
            assert "25 scheduled" in mover.stdout.readline()
        os.killpg(mover.pid, signal.SIGKILL)
        mover.communicate(timeout=PATIENCE)
        assert mover.returncode == -signal.SIGKILL

    def run_to_the_end(self) -> None:
        """Two of them at once, as two workers may be."""
        movers = [self.mover(), self.mover()]
        for mover in movers:
            said, _ = mover.communicate(timeout=PATIENCE)
            assert mover.returncode == 0, said
            assert "0 failed" in said.splitlines()[-1], said

    def pass_time(self, **how: int) -> None:
        """Lets the sandbox's time pass, with all that is due on the way."""
        answer = requests.post(f"{self.address}/sandbox/clock", json=how, timeout=PATIENCE)
        assert answer.status_code in {200, 202}, answer.text
        while answer.json()["playing"]:
            answer = requests.get(f"{self.address}/sandbox/clock", timeout=PATIENCE)

    def every(self, service: Any, **params: Any) -> list[Any]:
        return list(service.list({"limit": 100, **params}).auto_paging_iter())

    def end(self) -> None:
        os.killpg(self.sandbox.pid, signal.SIGTERM)
        self.sandbox.wait(timeout=PATIENCE)
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    made.end()


def expected(index: int, amounts: dict[str, int]) -> int:
    """What a month costs the subscriber of that number."""
    whole = amounts[thousand.currency(index)] * thousand.seats(index)
    return whole * 4 // 5 if thousand.has_discount(index) else whole


@pytest.mark.loopback
def test_1000_subscribers_move_once_each_though_the_worker_is_killed_in_the_middle(machine):
    people = People(machine.app)
    changing = Changing(machine.app, machine.stripe, people, None)
    old = changing.price("team")
    number = changing.draft(old)
    changing.choose(number, notice_days="7")
    assert changing.confirm(number).status_code == 303
    with machine.app.app_context():
        assert db.session.query(PriceMove).filter_by(status="pending").count() == COUNT
        new = db.session.get(PriceChange, number).new_price_id
    for lines in (3, 8, 1):
        machine.kill_in_the_middle(lines)
        # What was claimed when it died is free again a little later.
        machine.pass_time(advance=300)
    machine.run_to_the_end()
    # Whatever had to be tried again is due by now, as it is for a worker.
    machine.pass_time(advance=300)
    machine.run_to_the_end()

    subscriptions = {one.id: one for one in machine.every(machine.stripe.v1.subscriptions)}
    schedules = machine.every(machine.stripe.v1.subscription_schedules)
    assert len(subscriptions) == COUNT
    assert Counter(one.subscription for one in schedules) == Counter(list(subscriptions))
    for schedule in schedules:
        index = int(subscriptions[schedule.subscription].metadata["index"])
        first, second = schedule.phases
        assert (schedule.status, schedule.end_behavior) == ("active", "release")
        assert [
            (phase["items"][0]["price"], phase["items"][0]["quantity"]) for phase in schedule.phases
        ] == [(old, thousand.seats(index)), (new, thousand.seats(index))]
        assert first.end_date == second.start_date
        assert second.proration_behavior == "none"
        assert bool(second.discounts) is thousand.has_discount(index)
    with machine.app.app_context():
        rows = db.session.query(PriceMove).filter_by(change_id=number).all()
        assert not [(row.status, row.last_error) for row in rows if row.status != "scheduled"]
        assert Counter(row.status for row in rows) == {"scheduled": COUNT}
        assert {row.schedule_id for row in rows} == {one.id for one in schedules}

    machine.pass_time(advance=17 * thousand.DAY)
    invoices = machine.every(machine.stripe.v1.invoices)
    assert len(invoices) == COUNT
    for invoice in invoices:
        subscription = invoice.parent.subscription_details.subscription
        index = int(subscriptions[subscription].metadata["index"])
        assert (invoice.currency, invoice.total) == (
            thousand.currency(index),
            expected(index, NEW),
        )
        assert invoice.status == ("paid" if thousand.pays(index) else "open")
    charged = machine.every(machine.stripe.v1.charges)
    assert Counter((one.currency, one.amount_captured) for one in charged) == Counter(
        (thousand.currency(index), expected(index, NEW))
        for index in range(COUNT)
        if thousand.pays(index)
    )

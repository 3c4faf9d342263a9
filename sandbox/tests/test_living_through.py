"""A move of time is lived through: who listens learns each fact while it is true."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import responses
import stripe
from flask import Flask, request

from sandbox import Sandbox, advancing, create_app, events
from sandbox import clock as sandbox_clock
from sandbox.engine import time as engine_time
from sandbox.resources import products
from sandbox.testing import BASE_URL, carry
from sandbox.tests.billing import Shop
from sandbox.tests.conftest import NOON
from sandbox.tests.live import serve

DAY = 86_400
LONG = 30  # seconds after which a test gives up
HERE = {"Sec-Fetch-Site": "same-origin"}


class Listener:
    """An application that is told of events, and asks the sandbox for the time as it is told."""

    def __init__(self) -> None:
        self.sandbox: Sandbox | None = None
        self.offset_file: Path | None = None
        self.told: list[dict[str, Any]] = []
        self.stamps: list[int] = []
        self._heard = threading.Condition()
        self.on_event: Callable[[dict[str, Any]], None] = lambda event: None
        app = Flask("listener")
        app.add_url_rule("/hook", view_func=self.hook, methods=["POST"])
        self.server, address = serve(app)
        self.url = f"{address}/hook"

    def hook(self) -> str:
        event = json.loads(request.get_data())
        assert self.sandbox is not None
        assert self.offset_file is not None
        # The sandbox's clock stands still in these tests, so its lead shrinks by the second.
        event["ahead"] = int(self.offset_file.read_text()) + int(time.time())
        event["now"] = self.sandbox.test_client().get("/sandbox/clock").json["now"]
        self.stamps.append(int(request.headers["Stripe-Signature"].split(",")[0][2:]))
        self.on_event(event)
        with self._heard:
            self.told.append(event)
            self._heard.notify_all()
        return "ok"

    def wait_until(self, true: Callable[[], bool]) -> None:
        with self._heard:
            assert self._heard.wait_for(true, timeout=LONG), [one["type"] for one in self.told]

    def types(self) -> list[str]:
        return [one["type"] for one in self.told]


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.server.shutdown()
    listener.server.server_close()


@pytest.fixture
def server(tmp_path: Path, clock: Any, listener: Listener) -> Iterator[Sandbox]:
    """The sandbox as it runs for itself, its clock standing at noon on 1 May 2026."""
    listener.offset_file = tmp_path / "clock_offset"
    app = create_app(str(tmp_path / "sandbox.sqlite3"), clock_file=listener.offset_file)
    listener.sandbox = app
    yield app
    app.close()


@pytest.fixture
def shop(server: Sandbox, listener: Listener) -> Iterator[Shop]:
    """A shop whose endpoint hears of everything."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        carry(mock, server)
        mock.add_passthru(listener.url)
        client = stripe.StripeClient(
            "sk_test_sandbox",
            http_client=stripe.RequestsClient(),
            base_addresses={"api": BASE_URL},
        )
        client.v1.webhook_endpoints.create({"url": listener.url, "enabled_events": ["*"]})
        yield Shop(client, server)


def all_told() -> None:
    """Wait until every event so far was delivered."""
    events.wait_for(0, LONG, lambda: False)


def move(app: Sandbox, **given: Any) -> Any:
    return app.test_client().post("/sandbox/clock", json=given)


def test_each_fact_is_told_while_it_is_true(shop: Shop, listener: Listener) -> None:
    subscription = shop.subscribe(shop.customer(), shop.price(), trial_period_days=14)
    all_told()
    listener.told.clear()
    answer = move(shop.app, advance=16 * DAY)
    assert answer.status_code == 202
    assert answer.json["playing"]["target"] == NOON + 16 * DAY
    listener.wait_until(lambda: "invoice.paid" in listener.types())
    told = {one["type"]: one for one in listener.told}
    assert told["customer.subscription.trial_will_end"]["now"] == NOON + 11 * DAY
    assert told["invoice.created"]["now"] == NOON + 14 * DAY
    assert told["invoice.paid"]["now"] == NOON + 14 * DAY + 3600
    # The application's clock had followed each time before it was told.
    for one in told.values():
        assert abs(one["ahead"] - one["now"]) <= 2
    assert max(abs(stamp - time.time()) for stamp in listener.stamps) < 600
    assert shop.again(subscription).status == "active"


def test_a_test_clock_is_advancing_until_it_is_ready(shop: Shop, listener: Listener) -> None:
    clocks = shop.client.v1.test_helpers.test_clocks
    frozen = clocks.create({"frozen_time": NOON})
    shop.subscribe(shop.customer(test_clock=frozen.id), shop.price())
    seen = []
    listener.on_event = lambda event: seen.append((event["type"], clocks.retrieve(frozen.id)))
    assert clocks.advance(frozen.id, {"frozen_time": NOON + 33 * DAY}).status == "advancing"
    listener.wait_until(lambda: "test_helpers.test_clock.ready" in listener.types())
    during = dict(seen)
    created = during["invoice.created"]
    assert (created.status, created.frozen_time) == ("advancing", NOON + 31 * DAY)
    assert created.status_details.advancing.target_frozen_time == NOON + 33 * DAY
    assert clocks.retrieve(frozen.id).status == "ready"
    assert clocks.retrieve(frozen.id).frozen_time == NOON + 33 * DAY
    assert sandbox_clock.now() == NOON


def test_a_second_move_waits_its_turn_and_the_page_shows_the_first(
    shop: Shop, listener: Listener
) -> None:
    frozen = shop.client.v1.test_helpers.test_clocks.create({"frozen_time": NOON})
    shop.subscribe(shop.customer(), shop.price())
    answers: dict[str, Any] = {}

    def look(event: dict[str, Any]) -> None:
        if event["type"] != "invoice.created" or answers:
            return
        browser = shop.app.test_client()
        answers["api"] = move(shop.app, advance=DAY)
        answers["form"] = browser.post("/time", data={"move": "day"}, headers=HERE)
        answers["page"] = browser.get("/")
        # Another clock is free to move.
        answers["other"] = move(shop.app, clock=frozen.id, advance=DAY)

    all_told()
    listener.on_event = look
    move(shop.app, advance=33 * DAY)
    listener.wait_until(lambda: listener.types().count("invoice.paid") == 2)
    listener.wait_until(lambda: "test_helpers.test_clock.ready" in listener.types())
    assert answers["api"].status_code == 429
    assert "being advanced already" in answers["api"].json["error"]["message"]
    assert answers["form"].status_code == 422
    assert "on its way already" in answers["form"].text
    shown = " ".join(answers["page"].text.split())
    assert "Playing on to 3 June 2026, 12:00 UTC: 2 of about 3 steps" in shown
    assert answers["page"].headers["Refresh"] == "2"
    assert 'value="stop"' in shown
    assert answers["other"].status_code == 202


def test_it_stops_where_it_is_told_to(shop: Shop, listener: Listener) -> None:
    shop.subscribe(shop.customer(), shop.price())

    def stop(event: dict[str, Any]) -> None:
        if event["type"] == "invoice.upcoming":
            form = {"move": "stop"}
            shop.app.test_client().post("/time", data=form, headers=HERE)

    listener.on_event = stop
    move(shop.app, advance=200 * DAY)
    listener.wait_until(lambda: "invoice.upcoming" in listener.types())
    here = shop.app.test_client().get("/sandbox/clock").json
    assert (here["playing"], here["now"]) == (None, NOON + 24 * DAY)
    assert len(shop.events("invoice.upcoming")) == 1


def test_an_endpoint_that_fails_does_not_hold_time_up(shop: Shop, listener: Listener) -> None:
    shop.client.v1.webhook_endpoints.create(
        {"url": "http://127.0.0.1:9/nobody", "enabled_events": ["*"]}
    )
    subscription = shop.subscribe(shop.customer(), shop.price())
    all_told()
    listener.told.clear()
    move(shop.app, advance=33 * DAY)
    listener.wait_until(lambda: "invoice.paid" in listener.types())
    assert shop.latest(subscription).status == "paid"


def test_steps_that_nobody_hears_of_are_played_together(
    tmp_path: Path, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, player = played_by_hand(tmp_path / "sandbox.sqlite3", monkeypatch, share=LONG)
    with subscribed(app):
        move(app, advance=33 * DAY)
        player.work()
        here = app.test_client().get("/sandbox/clock").json
        assert (here["now"], here["playing"]) == (NOON + 33 * DAY, None)
    app.close()


def played_by_hand(
    path: Path, monkeypatch: pytest.MonkeyPatch, share: float = -1
) -> tuple[Sandbox, Any]:
    """A sandbox whose player works when told, by default one step at a time."""
    monkeypatch.setattr(advancing, "SHARE", share)
    app = create_app(str(path), deliver=False)
    player = app.extensions["player"] = advancing.Player(app)
    return app, player


@contextmanager
def subscribed(app: Sandbox) -> Iterator[Shop]:
    """A shop with one monthly subscription."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        carry(mock, app)
        client = stripe.StripeClient(
            "sk_test_sandbox",
            http_client=stripe.RequestsClient(),
            base_addresses={"api": BASE_URL},
        )
        shop = Shop(client, app)
        shop.subscribe(shop.customer(), shop.price())
        yield shop


@pytest.fixture
def monthly(tmp_path: Path, clock: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A monthly subscription in such a sandbox, and its player."""
    app, player = played_by_hand(tmp_path / "sandbox.sqlite3", monkeypatch)
    with subscribed(app) as shop:
        yield shop, player
    app.close()


def test_a_sandbox_that_is_started_again_goes_on_where_it_was(
    monthly: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Any
) -> None:
    shop, player = monthly
    move(shop.app, advance=33 * DAY)
    player.work()
    assert shop.app.test_client().get("/sandbox/clock").json["playing"]["steps"] == 1
    assert clock.now() == NOON + 24 * DAY
    shop.app.close()
    clock.set(NOON)
    again, player = played_by_hand(tmp_path / "sandbox.sqlite3", monkeypatch)
    browser = again.test_client()
    here = browser.get("/sandbox/clock").json
    assert (here["now"], here["playing"]["steps"]) == (NOON + 24 * DAY, 1)
    for _ in range(3):
        player.work()
    here = browser.get("/sandbox/clock").json
    assert (here["now"], here["playing"]) == (NOON + 33 * DAY, None)
    listed = browser.get("/objects/invoice?format=json").json["data"]
    assert sorted(one["status"] for one in listed) == ["paid", "paid"]
    again.close()


def test_a_step_that_breaks_leaves_its_clock_where_it_was_and_says_so(
    monthly: Any, monkeypatch: pytest.MonkeyPatch, clock: Any
) -> None:
    shop, player = monthly
    clocks = shop.client.v1.test_helpers.test_clocks
    frozen = clocks.create({"frozen_time": NOON})
    shop.subscribe(shop.customer(test_clock=frozen.id), shop.price())

    def broken(until: int) -> None:
        products.create({"name": "Half done"})
        raise ValueError("the rule is wrong")

    monkeypatch.setattr(engine_time, "play", broken)
    move(shop.app, advance=33 * DAY)
    clocks.advance(frozen.id, {"frozen_time": NOON + 33 * DAY})
    player.work()
    here = shop.app.test_client().get("/sandbox/clock").json
    assert (here["now"], here["playing"]) == (NOON, None)
    assert here["failure"] == "ValueError: the rule is wrong"
    assert "It stopped here" in shop.app.test_client().get("/").text
    assert [one.name for one in shop.client.v1.products.list().data] == ["Team", "Team"]
    assert clocks.retrieve(frozen.id).status == "internal_failure"
    assert len(shop.events("test_helpers.test_clock.internal_failure")) == 1
    with pytest.raises(stripe.InvalidRequestError, match="internal failure"):
        clocks.advance(frozen.id, {"frozen_time": NOON + 2 * DAY})
    monkeypatch.undo()
    # The sandbox's own clock may try again.
    assert move(shop.app, advance=DAY).status_code == 202

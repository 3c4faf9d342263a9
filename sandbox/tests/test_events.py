"""Events: one for each change, delivered signed until somebody says 2xx."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
import stripe

from sandbox import Sandbox, create_app, events
from sandbox.delivery import deliver

KEY = {"Authorization": "Bearer sk_test_any"}
URL = "http://127.0.0.1:8000/webhooks/stripe"


def listen(client: stripe.StripeClient, *types: str) -> Any:
    return client.v1.webhook_endpoints.create({"url": URL, "enabled_events": list(types) or ["*"]})


def types_pending() -> list[str]:
    return [event["type"] for event, _ in events.pending()]


def test_each_change_is_an_event_with_the_object_as_it_was(
    stripe_client: stripe.StripeClient,
) -> None:
    customer = stripe_client.v1.customers.create({"name": "Ann"})
    stripe_client.v1.customers.update(customer.id, {"name": "Bea", "metadata": {"a": "1"}})
    stripe_client.v1.customers.delete(customer.id)
    deleted, updated, created = stripe_client.v1.events.list().data
    assert [e.type for e in (created, updated, deleted)] == [
        "customer.created",
        "customer.updated",
        "customer.deleted",
    ]
    assert created.data.object["name"] == "Ann"
    assert updated.data.object["name"] == "Bea"
    assert updated.data.previous_attributes.to_dict() == {"name": "Ann", "metadata": {"a": None}}
    assert "previous_attributes" not in created.data


def test_a_change_of_nothing_is_no_event(stripe_client: stripe.StripeClient) -> None:
    customer = stripe_client.v1.customers.create({"name": "Ann"})
    stripe_client.v1.customers.update(customer.id, {"name": "Ann"})
    assert [e.type for e in stripe_client.v1.events.list().data] == ["customer.created"]


def test_an_event_names_the_request_that_caused_it(stripe_client: stripe.StripeClient) -> None:
    customer = stripe_client.v1.customers.create({}, {"idempotency_key": "signup-1"})
    event = stripe_client.v1.events.list().data[0]
    assert event.request.id == customer.last_response.headers["Request-Id"]
    assert event.request.idempotency_key == "signup-1"
    assert event.api_version == "2026-10-28.endive"


def test_a_replayed_request_causes_no_second_event(stripe_client: stripe.StripeClient) -> None:
    for _ in range(2):
        stripe_client.v1.customers.create({"name": "Ann"}, {"idempotency_key": "signup-1"})
    assert len(stripe_client.v1.events.list().data) == 1


def test_events_are_listed_by_type(stripe_client: stripe.StripeClient) -> None:
    stripe_client.v1.customers.create({})
    stripe_client.v1.products.create({"name": "Pro"})
    listed = stripe_client.v1.events.list
    assert [e.type for e in listed({"type": "product.created"}).data] == ["product.created"]
    assert [e.type for e in listed({"type": "customer.*"}).data] == ["customer.created"]
    both = listed({"types": ["customer.created", "product.created"]})
    assert len(both.data) == 2


def test_an_endpoint_gets_the_types_it_asked_for(stripe_client: stripe.StripeClient) -> None:
    listen(stripe_client, "product.created")
    stripe_client.v1.customers.create({})
    stripe_client.v1.products.create({"name": "Pro"})
    assert types_pending() == ["product.created"]


def test_a_disabled_or_deleted_endpoint_gets_nothing(stripe_client: stripe.StripeClient) -> None:
    first, second = listen(stripe_client), listen(stripe_client)
    stripe_client.v1.webhook_endpoints.update(first.id, {"disabled": True})
    stripe_client.v1.webhook_endpoints.delete(second.id)
    stripe_client.v1.customers.create({})
    assert types_pending() == []


def test_the_secret_is_shown_at_creation_only(stripe_client: stripe.StripeClient) -> None:
    endpoint = listen(stripe_client)
    assert endpoint.secret.startswith("whsec_")
    assert "secret" not in stripe_client.v1.webhook_endpoints.retrieve(endpoint.id)
    assert "secret" not in stripe_client.v1.webhook_endpoints.list().data[0]


def test_an_endpoint_of_another_version_or_an_unknown_type_is_refused(
    stripe_client: stripe.StripeClient,
) -> None:
    create = stripe_client.v1.webhook_endpoints.create
    with pytest.raises(stripe.InvalidRequestError):
        create({"url": URL, "enabled_events": ["*"], "api_version": "2020-08-27"})
    for wrong in ("customer.*", "customer.exploded"):
        with pytest.raises(stripe.InvalidRequestError):
            create({"url": URL, "enabled_events": [wrong]})


def test_stripes_library_accepts_the_signature(stripe_client: stripe.StripeClient) -> None:
    secret = listen(stripe_client).secret
    stripe_client.v1.customers.create({"name": "Ann"})
    ((event, endpoint),) = events.pending()
    body = events.payload(event)
    header = events.signature(body, endpoint["secret"], int(time.time()))
    verified = stripe.Webhook.construct_event(body, header, secret)
    assert verified.data.object["name"] == "Ann"
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body + b" ", header, secret)


def test_what_is_delivered_is_no_longer_pending(stripe_client: stripe.StripeClient) -> None:
    listen(stripe_client)
    stripe_client.v1.customers.create({})
    ((event, endpoint),) = events.pending()
    assert event["pending_webhooks"] == 1
    events.record(event["id"], endpoint["id"], 500, "broken")
    assert types_pending() == ["customer.created"]
    events.record(event["id"], endpoint["id"], 200, "ok")
    assert types_pending() == []
    assert stripe_client.v1.events.retrieve(event["id"]).pending_webhooks == 0


def test_the_log_tells_each_attempt_and_an_event_can_be_sent_again(
    stripe_client: stripe.StripeClient, app: Sandbox
) -> None:
    listen(stripe_client)
    stripe_client.v1.customers.create({})
    ((event, endpoint),) = events.pending()
    events.record(event["id"], endpoint["id"], None, "refused")
    events.record(event["id"], endpoint["id"], 200, "ok")
    with app.storage.transaction():
        (delivery,) = events.deliveries()
        assert (delivery["state"], delivery["status"], delivery["url"]) == ("succeeded", 200, URL)
        assert [(a["attempt"], a["status"]) for a in events.attempts(event["id"])] == [
            (1, None),
            (2, 200),
        ]
        events.redeliver(event["id"], endpoint["id"])
    assert types_pending() == ["customer.created"]
    events.record(event["id"], endpoint["id"], 200, "ok again")
    with app.storage.transaction():
        assert [a["attempt"] for a in events.attempts(event["id"])] == [1, 2, 3]


class Receiver(HTTPServer):
    """A webhook endpoint on this machine that answers with the statuses it is told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.statuses: list[int] = []
        self.got: Queue[tuple[bytes, str]] = Queue()
        self.url = f"http://127.0.0.1:{self.server_port}/webhooks/stripe"


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.got.put((body, self.headers["Stripe-Signature"]))

    def log_message(self, format: str, *args: Any) -> None:
        """The test reads the queue."""


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setattr(events, "RETRY_SECONDS", (0,))
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def register(app: Sandbox, url: str) -> str:
    answer = app.test_client().post(
        "/v1/webhook_endpoints", data={"url": url, "enabled_events[]": "*"}, headers=KEY
    )
    return answer.json["secret"]


def add_customer(app: Sandbox) -> None:
    assert app.test_client().post("/v1/customers", headers=KEY).status_code == 200


def test_delivery_goes_on_until_it_is_accepted_each_time_signed(
    receiver: Receiver, clock: Any
) -> None:
    receiver.statuses = [500, 302, 404]
    app = create_app()
    try:
        secret = register(app, receiver.url)
        add_customer(app)
        got = [receiver.got.get(timeout=10) for _ in range(4)]
    finally:
        app.close()
    assert len({body for body, _ in got}) == 1
    for body, header in got:
        assert stripe.Webhook.construct_event(body, header, secret).type == "customer.created"


def test_what_was_pending_is_delivered_after_a_restart(
    receiver: Receiver, clock: Any, tmp_path: Path
) -> None:
    database = str(tmp_path / "sandbox.sqlite3")
    first = create_app(database, deliver=False)
    secret = register(first, receiver.url)
    add_customer(first)
    first.close()
    second = create_app(database)
    try:
        body, header = receiver.got.get(timeout=10)
    finally:
        second.close()
    assert stripe.Webhook.construct_event(body, header, secret).type == "customer.created"


def test_nothing_is_sent_to_another_machine(
    stripe_client: stripe.StripeClient, app: Sandbox
) -> None:
    stripe_client.v1.webhook_endpoints.create(
        {"url": "https://hooks.example.com/stripe", "enabled_events": ["*"]}
    )
    stripe_client.v1.customers.create({})
    ((event, endpoint),) = events.pending()
    deliver(event, endpoint)
    with app.storage.transaction():
        (attempt,) = events.attempts(event["id"])
    assert attempt["status"] is None
    assert "this machine only" in attempt["response"]


def test_an_event_shows_its_object_as_it_was_when_it_happened(stripe_client):
    customer = stripe_client.v1.customers.create({"name": "Before"})
    stripe_client.v1.customers.update(customer.id, {"name": "After"})
    created = stripe_client.v1.events.list({"type": "customer.created"}).data[0]
    assert created.data.object["name"] == "Before"


def test_an_event_about_an_object_with_lists_can_be_sent_outside_a_request(stripe_client):
    stripe_client.v1.webhook_endpoints.create(
        {"url": "http://127.0.0.1:9/hook", "enabled_events": ["*"]}
    )
    product = stripe_client.v1.products.create({"name": "Team"})
    price = stripe_client.v1.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "unit_amount": 4900,
            "recurring": {"interval": "month"},
        }
    )
    customer = stripe_client.v1.customers.create({"payment_method": "pm_card_visa"})
    method = stripe_client.v1.payment_methods.list({"customer": customer.id}).data[0]
    stripe_client.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": price.id}],
            "default_payment_method": method.id,
        }
    )
    types = {json.loads(events.payload(event))["type"] for event, _ in events.pending()}
    assert {"customer.subscription.created", "invoice.paid"} <= types

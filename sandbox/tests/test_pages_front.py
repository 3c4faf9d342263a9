"""The front page: objects, events and deliveries as a developer looks at them."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox import events

HERE = {"Sec-Fetch-Site": "same-origin"}
# Pages anybody may open; each carries the strict policy and says that it is the sandbox.
PAGES = ["/", "/objects/customer", "/objects/event", "/deliveries", "/c/pay/cs_test_none"]


@pytest.fixture
def browser(app: Any) -> Any:
    return app.test_client()


@pytest.fixture
def told(stripe_client: stripe.StripeClient) -> Any:
    """An event that was delivered to an endpoint, which failed."""
    endpoint = stripe_client.v1.webhook_endpoints.create(
        {"url": "http://127.0.0.1:9/hook", "enabled_events": ["customer.created"]}
    )
    customer = stripe_client.v1.customers.create({"name": "Ada"})
    event, sent_to = events.pending()[0]
    events.record(event["id"], sent_to["id"], 500, "broken")
    return {"endpoint": endpoint, "customer": customer, "event": event["id"]}


def test_every_kind_of_object_is_counted_and_listed(told, browser):
    page = browser.get("/").text
    assert 'href="/objects/customer"' in page
    listing = browser.get("/objects/customer").text
    assert told["customer"].id in listing
    assert "Ada" in listing


def test_an_object_is_shown_as_json_and_linked_to_others(told, browser):
    page = browser.get(f"/objects/event/{told['event']}").text
    assert f'href="/objects/customer/{told["customer"].id}"' in page
    raw = browser.get(f"/objects/customer/{told['customer'].id}?format=json")
    assert raw.json["name"] == "Ada"
    assert browser.get("/objects/customer?format=json").json["data"][0]["id"] == raw.json["id"]


def test_letters_are_shown_as_they_are_written(stripe_client, browser):
    made = stripe_client.v1.customers.create({"name": "Vale & Søn 東京"})
    assert "Vale &amp; Søn 東京" in browser.get(f"/objects/customer/{made.id}").text


def test_secrets_are_not_shown(told, browser):
    page = browser.get(f"/objects/webhook_endpoint/{told['endpoint'].id}").text
    assert told["endpoint"].secret not in page


def test_events_are_paged_newest_first(stripe_client, browser):
    for number in range(60):
        stripe_client.v1.customers.create({"name": f"Customer {number}"})
    first = browser.get("/objects/customer").text
    assert "Customer 59" in first
    assert "Customer 9<" not in first
    older = first.split("after=")[1].split('"')[0]
    second = browser.get(f"/objects/customer?after={older}").text
    assert "Customer 9<" in second
    assert "Customer 59" not in second


def test_a_failed_delivery_is_shown_with_its_answer_and_sent_again(told, browser):
    page = browser.get("/").text
    assert "customer.created" in page
    assert "broken" in page
    page = browser.get(f"/objects/event/{told['event']}").text
    assert "500" in page
    form = {"event": told["event"], "endpoint": told["endpoint"].id}
    events.record(told["event"], told["endpoint"].id, 200)
    assert events.pending() == []
    assert browser.post("/deliveries", data=form, headers=HERE).status_code == 303
    assert [one["id"] for one, _ in events.pending()] == [told["event"]]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_a_page_elsewhere_cannot_send_events_again(told, browser, headers):
    form = {"event": told["event"], "endpoint": told["endpoint"].id}
    before = len(events.pending())
    assert browser.post("/deliveries", data=form, headers=headers).status_code == 403
    assert len(events.pending()) == before


@pytest.mark.parametrize("address", PAGES)
def test_every_page_is_marked_and_strict(browser, address):
    answer = browser.get(address)
    assert "Sandbox: no real money." in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert " style=" not in answer.text
    assert "<script>" not in answer.text


@pytest.mark.parametrize(
    "address", ["/objects/nothing", "/objects/customer/cus_none", "/objects/event/evt_none"]
)
def test_what_is_not_there_is_not_found(browser, address):
    assert browser.get(address).status_code == 404


def test_the_script_is_where_stripe_has_it(browser):
    for address in ("/stripe.js", "/v3/", "/endive/stripe.js"):
        answer = browser.get(address)
        assert answer.status_code == 200
        assert answer.mimetype == "text/javascript"
        assert "window.Stripe" in answer.text

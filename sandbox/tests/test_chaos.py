"""The switches of chaos: by API, by the forms of the front page, and what they do."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe
import time_machine
from flask import Flask, request

from sandbox import Sandbox, create_app, events
from sandbox.chaos import deliveries
from sandbox.delivery import Courier, deliver
from sandbox.tests.live import live, live_client, serve
from sandbox.tests.test_process import client as client_at
from sandbox.tests.test_process import free_port, running

__all__ = ["live", "live_client"]

HERE = {"Sec-Fetch-Site": "same-origin"}
ALL_CALLS = {"method": "*", "path": "*"}


@pytest.fixture
def browser(app: Sandbox) -> Any:
    return app.test_client()


@pytest.fixture
def switch(browser: Any) -> Callable[..., dict[str, Any]]:
    """Turns switches by the API; what it answers."""

    def turn(**given: Any) -> dict[str, Any]:
        answer = browser.post("/sandbox/chaos", json=given)
        assert answer.status_code == 200, answer.text
        return answer.json

    return turn


@pytest.fixture
def hook(stripe_client: stripe.StripeClient) -> Any:
    return stripe_client.v1.webhook_endpoints.create(
        {"url": "http://127.0.0.1:9/hook", "enabled_events": ["customer.created"]}
    )


@pytest.fixture
def clock_hand() -> Iterator[Any]:
    """The machine's time, by which deliveries go; it moves only when told."""
    with time_machine.travel(1_800_000_000, tick=False) as traveller:
        yield traveller


def customers(client: stripe.StripeClient, *names: str) -> None:
    for name in names:
        client.v1.customers.create({"name": name})


def leave() -> list[str]:
    """What leaves now, and is received: the customers' names, in order."""
    names = []
    for event, endpoint in deliveries.leaving():
        names.append(event["data"]["object"]["name"])
        events.record(event["id"], endpoint["id"], 200)
    return names


def error(call: Callable[[], Any]) -> Any:
    with pytest.raises(stripe.StripeError) as caught:
        call()
    return caught.value


# The switches -------------------------------------------------------------------------------


def test_everything_is_off_until_somebody_switches_it_on(browser, stripe_client):
    shown = browser.get("/sandbox/chaos").json
    assert (shown["on"], shown["summary"], shown["faults"]) == (False, "", [])
    assert "Chaos is on" not in browser.get("/").text
    customers(stripe_client, "Ann")


def test_what_is_on_is_told_in_a_sentence_on_every_page(browser, switch):
    switch(
        deliveries={"late_seconds": 30, "drop_percent": 20},
        faults=[{"method": "POST", "path": "/v1/invoices/*/pay", "answer": "500", "calls": 5}],
    )
    for address in ("/", "/objects/customer", "/deliveries", "/c/pay/cs_test_none"):
        strip = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", browser.get(address).text))
        assert (
            "Chaos is on: webhooks late by 30 s, 20 % dropped; "
            "POST /v1/invoices/*/pay answers 500 for 5 calls more." in strip
        ), address
        assert "Turn all off" in strip


def test_the_switches_and_their_counts_survive_a_restart(tmp_path: Path, clock: Any) -> None:
    file = str(tmp_path / "sandbox.sqlite3")
    first = create_app(file, deliver=False)
    first.test_client().post(
        "/sandbox/chaos", json={"seed": 7, "faults": [{"answer": "500", "calls": 2}]}
    )
    first.test_client().get("/v1/customers")
    first.close()
    second = create_app(file, deliver=False)
    shown = second.test_client().get("/sandbox/chaos").json
    second.close()
    assert shown["seed"] == 7
    assert [(one["done"], one["on"]) for one in shown["faults"]] == [(1, True)]


def test_turning_all_off_leaves_nothing_on(browser, switch, stripe_client):
    switch(deliveries={"twice": True, "stopped": True}, faults=[{"answer": "500"}])
    assert switch(off=True)["on"] is False
    customers(stripe_client, "Ann")
    assert "Chaos is on" not in browser.get("/").text


def test_each_program_names_only_what_it_changes(switch):
    switch(deliveries={"late_seconds": 30}, faults=[{"answer": "500"}])
    shown = switch(deliveries={"twice": True})
    assert (shown["deliveries"]["late_seconds"], shown["deliveries"]["twice"]) == (30, True)
    assert len(shown["faults"]) == 1


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"deliveries": {"late": 3}}, "late"),
        ({"deliveries": {"late_seconds": -1}}, "late_seconds"),
        ({"deliveries": {"late_seconds": "soon"}}, "late_seconds"),
        ({"deliveries": {"drop_percent": 101}}, "drop_percent"),
        ({"deliveries": {"twice": "yes"}}, "twice"),
        ({"deliveries": {"stopped": True, "stop_seconds": True}}, "stop_seconds"),
        ({"deliveries": [1]}, "deliveries"),
        ({"faults": {"answer": "500"}}, "faults"),
        ({"faults": ["500"]}, "faults"),
        ({"faults": [{"answer": "418"}]}, "answer"),
        ({"faults": [{}]}, "answer"),
        ({"faults": [{"answer": "500", "calls": 0}]}, "calls"),
        ({"faults": [{"answer": "500", "percent": 0}]}, "percent"),
        ({"faults": [{"answer": "hang", "seconds": 3600}]}, "seconds"),
        ({"faults": [{"answer": "500", "method": "PATCH"}]}, "method"),
        ({"faults": [{"answer": "500", "path": "/v1/invoicez/*/pay"}]}, "path"),
        ({"faults": [{"answer": "500", "method": "GET", "path": "/v1/invoices/*/pay"}]}, "path"),
        ({"seed": "x"}, "seed"),
        ({"sed": 1}, "sed"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name_and_changes_nothing(browser, given, param):
    browser.post("/sandbox/chaos", json={"deliveries": {"twice": True}})
    answer = browser.post("/sandbox/chaos", json=given)
    assert (answer.status_code, answer.json["error"]["param"]) == (400, param)
    shown = browser.get("/sandbox/chaos").json
    assert shown["deliveries"]["twice"] is True
    assert shown["deliveries"]["late_seconds"] == 0
    assert shown["faults"] == []


def test_a_page_elsewhere_cannot_turn_a_switch(browser):
    as_a_form_would = {"data": '{"faults": [{"answer": "500"}]}', "content_type": "text/plain"}
    assert browser.post("/sandbox/chaos", **as_a_form_would).status_code == 400
    for path in ("deliveries", "faults", "faults/1/off", "seed", "off"):
        for headers in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
            answer = browser.post(
                f"/sandbox/chaos/{path}", data={"answer": "500", "seed": "1"}, headers=headers
            )
            assert answer.status_code == 403
    assert browser.get("/sandbox/chaos").json["on"] is False
    assert browser.get("/sandbox/chaos", base_url="http://evil.example").status_code == 403


# The forms of the front page ----------------------------------------------------------------


def test_the_forms_switch_webhooks_and_show_what_they_are_set_to(browser):
    form = {
        "late_seconds": "30",
        "drop_percent": "20",
        "dropped": "lost",
        "reversed": "on",
        "stop_seconds": "",
    }
    answer = browser.post("/sandbox/chaos/deliveries", data=form, headers=HERE)
    assert (answer.status_code, answer.location) == (303, "/#chaos")
    page = browser.get("/").text
    assert "webhooks late by 30 s, in reverse order, 20 % lost for good" in page
    assert re.search(r'name="late_seconds"[^>]*value="30"', page)
    assert re.search(r'name="reversed" checked', page)
    assert not re.search(r'name="twice" checked', page)
    browser.post("/sandbox/chaos/deliveries", data={}, headers=HERE)
    assert browser.get("/sandbox/chaos").json["on"] is False


def test_the_forms_switch_a_fault_on_count_it_and_switch_it_off(browser, stripe_client):
    form = {"method": "POST", "path": "/v1/customers", "answer": "500", "calls": "3"}
    assert browser.post("/sandbox/chaos/faults", data=form, headers=HERE).status_code == 303
    for _ in range(2):
        error(lambda: stripe_client.v1.customers.create({"name": "Ann"}))
    page = browser.get("/").text
    assert "2 of 3 answered with 500" in page
    assert "for 1 call more" in page
    error(lambda: stripe_client.v1.customers.create({"name": "Ann"}))
    page = browser.get("/").text
    assert "3 of 3 answered with 500; used up" in page
    assert "Chaos is on" not in page
    browser.post("/sandbox/chaos/faults/1/off", headers=HERE)
    assert "answered with 500" not in browser.get("/").text


def test_a_form_that_is_not_accepted_comes_back_with_the_reason(browser):
    form = {"method": "POST", "path": "/v1/nothing", "answer": "500", "calls": ""}
    answer = browser.post("/sandbox/chaos/faults", data=form, headers=HERE)
    assert answer.status_code == 422
    assert "No endpoint here is like POST /v1/nothing" in answer.text
    assert 'value="/v1/nothing"' in answer.text


def test_all_is_turned_off_on_the_page_where_one_stands(browser, switch):
    switch(faults=[{"answer": "500"}])
    here = {**HERE, "Referer": "http://localhost/objects/customer?after=cus_1"}
    answer = browser.post("/sandbox/chaos/off", headers=here)
    assert (answer.status_code, answer.location) == (303, "/objects/customer?after=cus_1")
    for elsewhere in ("https://evil.example/x", "http://localhost//evil.example", ""):
        answer = browser.post("/sandbox/chaos/off", headers={**HERE, "Referer": elsewhere})
        assert answer.location in {"/#chaos", "/evil.example"}
    assert browser.get("/sandbox/chaos").json["on"] is False


def test_no_fault_reaches_the_sandboxs_own_pages(browser, switch):
    switch(faults=[{**ALL_CALLS, "answer": "500"}])
    for address in ("/", "/objects/event", "/deliveries", "/healthz", "/sandbox/chaos"):
        assert browser.get(address).status_code == 200


# Faults -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "kind", "code", "retry"),
    [
        ("500", stripe.APIError, None, None),
        ("500_kept", stripe.APIError, None, "false"),
        ("rate_limit", stripe.RateLimitError, "rate_limit", "false"),
        ("lock_timeout", stripe.RateLimitError, "lock_timeout", "true"),
    ],
)
def test_a_call_is_answered_as_stripe_would_and_nothing_is_done(
    stripe_client, switch, answer, kind, code, retry
):
    switch(faults=[{"method": "POST", "path": "/v1/customers", "answer": answer, "calls": 1}])
    caught = error(lambda: stripe_client.v1.customers.create({"name": "Ann"}))
    assert type(caught) is kind
    assert caught.json_body["error"].get("code") == code
    assert caught.headers.get("Stripe-Should-Retry") == retry
    assert caught.request_id.startswith("req_")
    assert stripe_client.v1.customers.list().data == []
    customers(stripe_client, "Ann")


@pytest.mark.parametrize("answer", ["500", "rate_limit", "lock_timeout", "timeout"])
def test_the_same_key_does_the_work_later_when_it_was_not_begun(stripe_client, switch, answer):
    key = {"idempotency_key": "key-1"}
    switch(faults=[{"answer": answer, "calls": 1}])
    error(lambda: stripe_client.v1.customers.create({"name": "Ann"}, key))
    made = stripe_client.v1.customers.create({"name": "Ann"}, key)
    assert [one.id for one in stripe_client.v1.customers.list().data] == [made.id]


def test_a_kept_500_is_answered_again_to_the_same_key(stripe_client, switch):
    key = {"idempotency_key": "key-1"}
    switch(faults=[{"answer": "500_kept", "calls": 1}])
    for _ in range(2):
        caught = error(lambda: stripe_client.v1.customers.create({"name": "Ann"}, key))
        assert caught.http_status == 500
    assert caught.headers["Idempotent-Replayed"] == "true"
    assert stripe_client.v1.customers.list().data == []
    assert stripe_client.v1.customers.create({"name": "Ann"}, {"idempotency_key": "key-2"}).id


@pytest.mark.parametrize("answer", ["lost", "hang"])
def test_a_lost_answer_was_work_done_and_the_same_key_tells_of_it(stripe_client, switch, answer):
    switch(faults=[{"method": "POST", "path": "/v1/customers", "answer": answer, "calls": 1}])
    impatient = {"idempotency_key": "key-1"}
    stripe_client._requestor._client = stripe.RequestsClient(timeout=(3, 10))
    caught = error(lambda: stripe_client.v1.customers.create({"name": "Ann"}, impatient))
    assert isinstance(caught, stripe.APIConnectionError)
    (made,) = stripe_client.v1.customers.list().data
    assert stripe_client.v1.customers.create({"name": "Ann"}, impatient).id == made.id


def test_a_client_that_waits_long_enough_gets_a_held_answer(stripe_client, switch):
    switch(faults=[{"answer": "hang", "seconds": 5}])
    customers(stripe_client, "Ann")


def test_only_the_chosen_calls_are_struck(stripe_client, switch):
    switch(faults=[{"method": "POST", "path": "/v1/customers/*", "answer": "500"}])
    made = stripe_client.v1.customers.create({"name": "Ann"})
    stripe_client.v1.customers.retrieve(made.id)
    error(lambda: stripe_client.v1.customers.update(made.id, {"name": "Bea"}))
    stripe_client.v1.customers.delete(made.id)


def test_a_single_object_can_be_struck(stripe_client, switch):
    ann, bea = (stripe_client.v1.customers.create({"name": name}) for name in ("Ann", "Bea"))
    switch(faults=[{"method": "GET", "path": f"/v1/customers/{ann.id}", "answer": "500"}])
    stripe_client.v1.customers.retrieve(bea.id)
    error(lambda: stripe_client.v1.customers.retrieve(ann.id))


def struck(client: stripe.StripeClient, times: int) -> list[bool]:
    found = []
    for _ in range(times):
        try:
            client.v1.customers.list()
            found.append(False)
        except stripe.APIError:
            found.append(True)
    return found


def test_a_share_strikes_the_same_calls_for_the_same_seed(stripe_client, switch):
    fault = {"answer": "500", "percent": 30}
    switch(seed=7, faults=[fault])
    first = struck(stripe_client, 60)
    shown = switch()
    assert 8 <= sum(first) <= 28
    assert (shown["faults"][0]["done"], shown["faults"][0]["seen"]) == (sum(first), 60)
    switch(off=True, seed=7, faults=[fault])
    assert struck(stripe_client, 60) == first
    switch(off=True, seed=8, faults=[fault])
    assert struck(stripe_client, 60) != first


# Deliveries ---------------------------------------------------------------------------------


def test_late_webhooks_leave_later_by_that_much(stripe_client, switch, hook, clock_hand):
    switch(deliveries={"late_seconds": 30})
    customers(stripe_client, "Ann")
    assert leave() == []
    assert deliveries.next_due() == time.time() + 30
    clock_hand.shift(29)
    assert leave() == []
    clock_hand.shift(1)
    assert leave() == ["Ann"]


def test_late_webhooks_leave_at_once_when_the_switch_is_turned_off(
    stripe_client, switch, hook, clock_hand
):
    switch(deliveries={"late_seconds": 3600})
    customers(stripe_client, "Ann")
    switch(off=True)
    assert leave() == ["Ann"]


def test_each_leaves_twice_and_is_counted_once(stripe_client, switch, hook, clock_hand):
    switch(deliveries={"twice": True})
    customers(stripe_client, "Ann", "Bea")
    event_id = events.pending()[0][0]["id"]
    assert leave() == ["Ann", "Ann", "Bea", "Bea"]
    assert leave() == []
    assert stripe_client.v1.events.retrieve(event_id).pending_webhooks == 0
    to = switch()["deliveries"]
    assert (to["sent"], to["repeated"]) == (2, 2)


def test_a_second_copy_that_is_refused_does_not_undo_the_first(
    stripe_client, switch, hook, clock_hand
):
    switch(deliveries={"twice": True})
    customers(stripe_client, "Ann")
    for (event, endpoint), status in zip(deliveries.leaving(), (200, 500), strict=True):
        events.record(event["id"], endpoint["id"], status)
    assert events.pending() == []


def test_what_is_due_together_leaves_newest_first(stripe_client, switch, hook, clock_hand):
    switch(deliveries={"reversed": True})
    customers(stripe_client, *(f"Customer {number}" for number in range(60)))
    assert leave()[:2] == ["Customer 59", "Customer 58"]


def test_what_is_dropped_is_tried_again_and_comes_when_the_switch_is_off(
    stripe_client, switch, hook, clock_hand, browser
):
    switch(deliveries={"drop_percent": 100})
    customers(stripe_client, "Ann")
    for _ in range(3):
        assert leave() == []
        clock_hand.shift(3600)
    assert switch()["deliveries"]["dropped"] == 3
    assert "3 dropped" in browser.get("/").text
    assert "Dropped on the way" in browser.get("/deliveries").text
    assert leave() == []
    switch(off=True)
    assert leave() == ["Ann"]


def test_a_share_is_dropped_by_the_seed(stripe_client, switch, hook, clock_hand):
    names = [f"Customer {number}" for number in range(40)]
    came = []
    for _ in range(2):
        switch(off=True, seed=5, deliveries={"drop_percent": 50, "lost_for_good": True})
        customers(stripe_client, *names)
        came.append(leave())
    assert came[0] == came[1]
    assert 8 <= len(came[0]) <= 32


def test_what_is_lost_for_good_is_left_to_the_events_api(
    stripe_client, switch, hook, clock_hand, browser
):
    switch(deliveries={"drop_percent": 100, "lost_for_good": True})
    customers(stripe_client, "Ann")
    assert leave() == []
    switch(off=True)
    clock_hand.shift(3600)
    assert leave() == []
    event = next(e for e in stripe_client.v1.events.list().data if e.type == "customer.created")
    assert event.pending_webhooks == 0
    assert "Lost on the way for good" in browser.get(f"/objects/event/{event.id}").text
    form = {"event": event.id, "endpoint": hook.id}
    browser.post("/deliveries", data=form, headers=HERE)
    assert leave() == ["Ann"]


def test_while_stopped_nothing_leaves_and_then_everything(stripe_client, switch, hook, clock_hand):
    switch(deliveries={"stopped": True})
    customers(stripe_client, "Ann", "Bea")
    clock_hand.shift(86_400)
    assert leave() == []
    switch(deliveries={"stopped": False})
    assert leave() == ["Ann", "Bea"]


def test_a_stop_for_some_seconds_ends_by_itself(stripe_client, switch, hook, clock_hand, browser):
    switch(deliveries={"stopped": True, "stop_seconds": 25})
    customers(stripe_client, "Ann")
    assert "webhooks stopped for 25 s more" in browser.get("/").text
    assert deliveries.next_due() == time.time() + 25
    assert leave() == []
    clock_hand.shift(25)
    assert "Chaos is on" not in browser.get("/").text
    assert leave() == ["Ann"]


def test_the_courier_waits_without_spinning_while_nothing_may_leave(
    stripe_client, switch, hook, clock_hand
):
    switch(deliveries={"stopped": True})
    customers(stripe_client, "Ann")
    assert Courier().work() == 60
    switch(deliveries={"stopped": True, "stop_seconds": 7})
    assert Courier().work() == 7
    switch(off=True, deliveries={"late_seconds": 9})
    assert Courier().work() == 9


# Over a real connection ---------------------------------------------------------------------


def test_each_copy_arrives_signed_and_both_are_logged(live, live_client):
    shop = Flask("shop")
    received = []

    @shop.post("/hook")
    def hook() -> str:
        event = stripe.Webhook.construct_event(
            request.get_data(), request.headers["Stripe-Signature"], secret
        )
        received.append(event.id)
        return "ok"

    server, address = serve(shop)
    try:
        secret = live_client.v1.webhook_endpoints.create(
            {"url": f"{address}/hook", "enabled_events": ["customer.created"]}
        ).secret
        requests.post(f"{live}/sandbox/chaos", json={"deliveries": {"twice": True}}, timeout=5)
        customers(live_client, "Ann")
        for event, endpoint in deliveries.leaving():
            deliver(event, endpoint)
    finally:
        server.shutdown()
        server.server_close()
    assert len(received) == 2
    assert len(set(received)) == 1
    with events.transaction():
        assert [one["status"] for one in events.attempts(received[0])] == [200, 200]


def test_a_process_drops_and_holds_real_connections_and_its_pages_answer(tmp_path: Path) -> None:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with running(port, tmp_path / "sandbox.sqlite3") as process:
        v1 = client_at(port).v1

        def only(answer: str, **more: Any) -> None:
            fault = {"method": "POST", "path": "/v1/customers", "answer": answer, **more}
            switched = requests.post(
                f"{base}/sandbox/chaos", json={"off": True, "faults": [fault]}, timeout=5
            )
            assert switched.status_code == 200

        def refused(key: str) -> str:
            return str(error(lambda: v1.customers.create({"name": key}, {"idempotency_key": key})))

        only("lost", calls=1)
        assert "without response" in refused("lost")
        only("timeout", seconds=0, calls=1)
        assert "without response" in refused("timeout")
        only("hang", seconds=60, calls=1)
        with pytest.raises(requests.ReadTimeout):
            requests.post(
                f"{base}/v1/customers",
                data={"name": "hang"},
                headers={"Authorization": "Bearer sk_test_x"},
                timeout=(3, 0.5),
            )
        # That answer is still held, and nothing else waits for it.
        assert requests.get(base, timeout=10).status_code == 200
        v1.customers.create({"name": "patient"})
        names = [customer.name for customer in v1.customers.list().data]
        assert names == ["patient", "hang", "lost"]
        process.send_signal(signal.SIGTERM)
        said = process.stdout.read() if process.stdout else ""
    assert "Traceback" not in said

"""Stripe's HTTP protocol: keys, errors, headers, idempotency, addresses."""

from __future__ import annotations

import base64
import threading
from typing import Any

import pytest
import stripe

from sandbox import Sandbox
from sandbox.protocol import idempotency, routing
from sandbox.testing import BASE_URL

KEY = {"Authorization": "Bearer sk_test_any"}


def call(app: Sandbox, method: str, path: str, data: Any = None, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return app.test_client().open(path, method=method, data=data, headers=KEY | named)


def with_key(key: str, app: Sandbox, path: str = "/v1/customers") -> Any:
    return app.test_client().get(path, headers={"Authorization": f"Bearer {key}"})


def test_any_test_key_is_the_same_account(app: Sandbox) -> None:
    created = call(app, "POST", "/v1/customers", {"name": "Ann"}).json
    found = with_key("sk_test_another", app, f"/v1/customers/{created['id']}")
    assert found.json["name"] == "Ann"


def test_basic_authentication_is_as_good_as_a_bearer_token(app: Sandbox) -> None:
    basic = base64.b64encode(b"sk_test_any:").decode()
    client = app.test_client()
    assert (
        client.get("/v1/customers", headers={"Authorization": f"Basic {basic}"}).status_code == 200
    )


@pytest.mark.parametrize("key", ["sk_live_51abcdefghWXYZ", "rk_live_51abcdefghWXYZ", "nonsense"])
def test_live_and_unknown_keys_are_refused_as_stripe_does(key: str, app: Sandbox) -> None:
    refused = with_key(key, app)
    assert refused.status_code == 401
    assert refused.json["error"]["type"] == "invalid_request_error"
    assert refused.json["error"]["message"].startswith("Invalid API Key provided: ")
    assert key not in refused.text


def test_a_call_without_a_key_is_refused(app: Sandbox) -> None:
    refused = app.test_client().get("/v1/customers")
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == 'Bearer realm="Stripe"'
    assert "You did not provide an API key" in refused.json["error"]["message"]


def test_a_publishable_key_opens_nothing_but_what_stripe_js_calls(app: Sandbox) -> None:
    refused = with_key("pk_test_any", app)
    assert refused.status_code == 401
    assert refused.json["error"]["code"] == "secret_key_required"
    unknown = with_key("pk_test_any", app, "/v1/setup_intents/seti_x")
    assert unknown.json["error"]["code"] in {"resource_missing", "parameter_missing"}


def test_stripe_js_may_read_an_intent_by_its_secret_from_another_origin(app: Sandbox) -> None:
    intent = call(app, "POST", "/v1/setup_intents", {"usage": "off_session"}).json
    path = f"/v1/setup_intents/{intent['id']}"
    wrong = with_key("pk_test_any", app, f"{path}?client_secret=seti_x_secret_y")
    assert (wrong.status_code, wrong.json["error"]["param"]) == (400, "client_secret")
    right = with_key("pk_test_any", app, f"{path}?client_secret={intent['client_secret']}")
    assert right.json["id"] == intent["id"]
    assert right.headers["Access-Control-Allow-Origin"] == "*"
    asked = app.test_client().options(
        f"{path}/confirm",
        headers={"Origin": "http://127.0.0.1:8000", "Access-Control-Request-Method": "POST"},
    )
    assert "Authorization" in asked.headers["Access-Control-Allow-Headers"]


def test_no_other_call_is_open_to_other_origins(app: Sandbox) -> None:
    listed = call(app, "GET", "/v1/customers", Origin="https://evil.example")
    assert "Access-Control-Allow-Origin" not in listed.headers
    asked = app.test_client().options(
        "/v1/customers", headers={"Access-Control-Request-Method": "POST"}
    )
    assert "Access-Control-Allow-Origin" not in asked.headers


def test_a_failure_of_the_sandbox_itself_is_an_api_error(
    app: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: Any) -> None:
        raise ZeroDivisionError

    app.testing = False
    monkeypatch.setattr(routing, "render", broken)
    failed = call(app, "POST", "/v1/customers", {"name": "Ann"})
    monkeypatch.undo()
    assert (failed.status_code, failed.json["error"]["type"]) == (500, "api_error")
    assert call(app, "GET", "/v1/customers").json["data"] == []


def test_an_unknown_address_answers_as_stripe_does(app: Sandbox) -> None:
    missing = call(app, "GET", "/v1/cusotmers")
    assert missing.status_code == 404
    assert missing.json["error"]["message"].startswith(
        "Unrecognized request URL (GET: /v1/cusotmers)."
    )
    assert call(app, "DELETE", "/v1/customers").status_code == 404


def test_every_answer_names_its_request_and_version(app: Sandbox) -> None:
    first, second = call(app, "GET", "/v1/customers"), call(app, "GET", "/v1/customers/cus_none")
    assert first.headers["Request-Id"].startswith("req_")
    assert first.headers["Request-Id"] != second.headers["Request-Id"]
    assert first.headers["Stripe-Version"] == "2026-10-28.endive"
    assert second.headers["Request-Id"] in second.json["error"]["request_log_url"]


def test_only_this_machine_is_answered(app: Sandbox) -> None:
    assert call(app, "GET", "/v1/customers", Host="evil.example:8001").status_code == 403
    for host in ("127.0.0.1:8001", "localhost:8001", "[::1]:8001"):
        assert call(app, "GET", "/v1/customers", Host=host).status_code == 200


def test_a_repeated_request_gets_the_first_result(app: Sandbox) -> None:
    first = call(app, "POST", "/v1/customers", {"name": "Ann"}, Idempotency_Key="k")
    again = call(app, "POST", "/v1/customers", {"name": "Ann"}, Idempotency_Key="k")
    assert again.json == first.json
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert len(call(app, "GET", "/v1/customers").json["data"]) == 1


def test_a_repeated_request_that_expands_gets_the_first_result_too(app: Sandbox) -> None:
    wanted = {"name": "Ann", "expand[]": "tax_ids"}
    first = call(app, "POST", "/v1/customers", wanted, Idempotency_Key="k")
    again = call(app, "POST", "/v1/customers", wanted, Idempotency_Key="k")
    assert (again.status_code, again.json) == (200, first.json)


def test_a_repeated_refusal_is_replayed_even_when_it_would_now_succeed(app: Sandbox) -> None:
    price = {"currency": "usd", "unit_amount": 100, "product": "prod_later"}
    first = call(app, "POST", "/v1/prices", price, Idempotency_Key="k")
    assert first.status_code == 400
    call(app, "POST", "/v1/products", {"id": "prod_later", "name": "Later"})
    again = call(app, "POST", "/v1/prices", price, Idempotency_Key="k")
    assert (again.status_code, again.json) == (400, first.json)


def test_a_request_that_never_began_does_not_use_up_its_key(app: Sandbox) -> None:
    wrong = call(app, "POST", "/v1/customers", {"nmae": "Ann"}, Idempotency_Key="k")
    assert wrong.status_code == 400
    right = call(app, "POST", "/v1/customers", {"name": "Ann"}, Idempotency_Key="k")
    assert right.status_code == 200


def test_a_key_for_other_parameters_or_another_address_is_refused(app: Sandbox) -> None:
    call(app, "POST", "/v1/customers", {"name": "Ann"}, Idempotency_Key="k")
    for path, data in (("/v1/customers", {"name": "Bob"}), ("/v1/products", {"name": "Ann"})):
        refused = call(app, "POST", path, data, Idempotency_Key="k")
        assert refused.status_code == 400
        assert refused.json["error"]["type"] == "idempotency_error"
        assert refused.json["error"]["message"].startswith("Keys for idempotent requests can only")


def test_a_key_in_use_at_the_same_time_is_a_conflict(app: Sandbox) -> None:
    answers: list[Any] = []

    def second() -> None:
        answers.append(call(app, "POST", "/v1/customers", {"name": "Ann"}, Idempotency_Key="k"))

    with idempotency.in_use("k"):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert answers[0].status_code == 409
    assert answers[0].json["error"]["code"] == "idempotency_key_in_use"
    assert (
        call(app, "POST", "/v1/customers", {"name": "Ann"}, Idempotency_Key="k").status_code == 200
    )


def test_the_sdk_raises_its_own_errors(stripe_client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as missing:
        stripe_client.v1.customers.retrieve("cus_none")
    assert missing.value.code == "resource_missing"
    assert missing.value.user_message == "No such customer: 'cus_none'"
    live = stripe.StripeClient(
        "sk_live_x",
        http_client=stripe.RequestsClient(),
        base_addresses={"api": BASE_URL},
    )
    with pytest.raises(stripe.AuthenticationError):
        live.v1.customers.list()


def test_a_refused_request_leaves_nothing_behind(stripe_client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        stripe_client.v1.prices.create({"currency": "usd", "product_data": {"name": "Half"}})
    assert stripe_client.v1.products.list().data == []
    assert stripe_client.v1.events.list().data == []


def test_many_threads_lose_nothing(app: Sandbox) -> None:
    threads = [
        threading.Thread(
            target=lambda n=n: [
                call(app, "POST", "/v1/customers", {"name": f"{n}"}) for _ in range(5)
            ]
        )
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(call(app, "GET", "/v1/customers?limit=100").json["data"]) == 40


def test_healthz_needs_no_key(app: Sandbox) -> None:
    assert app.test_client().get("/healthz").text == "ok\n"

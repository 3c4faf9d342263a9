"""What holds for every endpoint, whoever adds it."""

from __future__ import annotations

import re
from typing import Any

from sandbox import Sandbox, resources
from sandbox.annotations import params_class
from sandbox.protocol.routing import ENDPOINTS, Endpoint

resources.load()

KEY = {"Authorization": "Bearer sk_test_any"}


def call(app: Sandbox, one: Endpoint, **given: Any) -> Any:
    path = re.sub(r"<\w+>", "none", one.rule)
    return app.test_client().open(path, method=one.method, **given)


def test_each_is_closed_without_a_key(app: Sandbox) -> None:
    assert [one for one in ENDPOINTS if call(app, one).status_code != 401] == []


def test_each_refuses_a_parameter_that_the_sdk_does_not_know(app: Sandbox) -> None:
    for one in ENDPOINTS:
        refused = call(app, one, query_string={"nonsense": "1"}, headers=KEY)
        assert refused.status_code == 400, one
        assert refused.json["error"]["code"] == "parameter_unknown", one
        assert refused.json["error"]["param"] == "nonsense", one


def test_each_answers_in_stripes_form(app: Sandbox) -> None:
    for one in ENDPOINTS:
        answer = call(app, one, headers=KEY)
        if answer.status_code == 200:
            assert answer.json["object"], one
        else:
            assert answer.json["error"]["type"] == "invalid_request_error", one
            assert answer.json["error"]["message"], one


def test_no_endpoint_is_registered_twice(app: Sandbox) -> None:
    addresses = [(one.method, re.sub(r"<\w+>", "<>", one.rule)) for one in ENDPOINTS]
    assert len(addresses) == len(set(addresses))


def test_every_endpoint_is_checked_against_the_sdk() -> None:
    assert all(one.params and params_class(one.params) for one in ENDPOINTS)

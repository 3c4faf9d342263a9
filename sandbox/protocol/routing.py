"""Endpoints: from an HTTP request to a handler's checked parameters and back to Stripe's answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, g, request

from sandbox.errors import ApiError
from sandbox.parameters import check_params
from sandbox.protocol import auth, form, idempotency
from sandbox.protocol.rendering import render
from sandbox.store import store, to_json

Handler = Callable[..., Any]


@dataclass(frozen=True)
class Endpoint:
    """One method and URL of Stripe's API that the sandbox answers."""

    method: str
    rule: str
    params: str | None
    handler: Handler


ENDPOINTS: list[Endpoint] = []
_table: dict[tuple[str, int], list[tuple[list[str], Endpoint]]] = {}


def endpoint(method: str, rule: str, params: str | None = None) -> Callable[[Handler], Handler]:
    """Answer `method` on `rule`, such as ("POST", "/v1/customers/<id>").

    `params` names the SDK's params class that the request is checked against; without one no
    parameter but `expand` is accepted. The handler gets the checked parameters as `params`, path
    variables as keyword arguments, and gives a document, a list object or a Flask response.
    """

    def register(handler: Handler) -> Handler:
        one = Endpoint(method, rule, params, handler)
        segments = rule.strip("/").split("/")
        ENDPOINTS.append(one)
        _table.setdefault((method, len(segments)), []).append((segments, one))
        return handler

    return register


def handler(method: str, rule: str) -> Handler:
    """The function that answers an endpoint, to do from within what the API would do."""
    return next(one.handler for one in ENDPOINTS if (one.method, one.rule) == (method, rule))


def add_endpoints(app: Flask) -> None:
    """Answer everything under /v1/ by the registered endpoints.

    One rule for all: Flask would compile each endpoint's rule anew for every application, which
    is most of the time that a test's sandbox takes to start.
    """
    app.add_url_rule("/v1/<path:path>", view_func=_dispatch, methods=["GET", "POST", "DELETE"])


def _dispatch(path: str) -> Response:
    segments = ["v1", *path.split("/")]
    found = []
    for rule, one in _table.get((request.method, len(segments)), []):
        variables = _variables(rule, segments)
        if variables is not None:
            found.append((len(variables), one, variables))
    if not found:
        raise unknown_url()
    # /v1/invoices/create_preview is no invoice called create_preview.
    _, one, variables = min(found, key=lambda match: match[0])
    return _answer(one, variables)


def _variables(rule: list[str], segments: list[str]) -> dict[str, str] | None:
    """The path variables when the segments fit the rule."""
    variables = {}
    for name, given in zip(rule, segments, strict=True):
        if name.startswith("<") and given:
            variables[name[1:-1]] = given
        elif name != given:
            return None
    return variables


def unknown_url() -> ApiError:
    return ApiError(
        404,
        f"Unrecognized request URL ({request.method}: {request.path}). Please see "
        "https://docs.stripe.com or we can help at https://support.stripe.com/.",
    )


def answer_error(error: ApiError) -> Response:
    """The response for a refused request."""
    return _json(error.status, _error_body(error))


def _error_body(error: ApiError) -> str:
    body = error.body(g.request_id)
    for name, value in error.extra.items():
        if isinstance(value, dict) and "object" in value:
            body["error"][name] = render(value)
    return to_json(body)


def _answer(one: Endpoint, variables: dict[str, str]) -> Response:
    key = idempotency.key_of(request)
    given: dict[str, Any] = {}
    begun = False
    try:
        given = _given()
        # A copy: what was sent is remembered with the key as it came.
        allowed = dict(auth.check(request, given))
        if key and (first := idempotency.replay(key, request.path, given)):
            response = _json(*first)
            response.headers["Idempotent-Replayed"] = "true"
            return response
        expand = _expand(allowed.pop("expand", []))
        params = _checked(one, allowed)
        begun = True
        if "breaks_off" in g:
            raise g.breaks_off
        with store.savepoint():
            result = one.handler(params=params, **variables)
            if isinstance(result, Response):
                return result
            status, body = 200, to_json(render(result, expand))
    except ApiError as error:
        status, body = error.status, _error_body(error)
    # As with Stripe, a result is kept once the endpoint began to execute.
    if key and begun:
        idempotency.remember(key, request.path, given, status, body)
    return _json(status, body)


def _given() -> dict[str, Any]:
    pairs = list(request.args.items(multi=True))
    if request.method != "GET":
        pairs += request.form.items(multi=True)
    return form.decode(pairs)


def _expand(given: Any) -> list[str]:
    if isinstance(given, str):
        given = [given] if given else []
    if isinstance(given, dict) or not all(isinstance(path, str) for path in given):
        raise ApiError(400, "Invalid array", param="expand")
    return given


def _checked(one: Endpoint, given: dict[str, Any]) -> dict[str, Any]:
    if one.params is not None:
        return check_params(one.params, given)
    if given:
        name = next(iter(given))
        raise ApiError(
            400,
            f"Received unknown parameter: {name}",
            code="parameter_unknown",
            param=name,
        )
    return {}


def _json(status: int, body: str) -> Response:
    response = Response(body, status, content_type="application/json")
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="Stripe"'
    return response

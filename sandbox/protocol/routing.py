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


def endpoint(method: str, rule: str, params: str | None = None) -> Callable[[Handler], Handler]:
    """Answer `method` on `rule`, such as ("POST", "/v1/customers/<id>").

    `params` names the SDK's params class that the request is checked against; without one no
    parameter but `expand` is accepted. The handler gets the checked parameters as `params`, path
    variables as keyword arguments, and gives a document, a list object or a Flask response.
    """

    def register(handler: Handler) -> Handler:
        ENDPOINTS.append(Endpoint(method, rule, params, handler))
        return handler

    return register


def handler(method: str, rule: str) -> Handler:
    """The function that answers an endpoint, to do from within what the API would do."""
    return next(one.handler for one in ENDPOINTS if (one.method, one.rule) == (method, rule))


def add_endpoints(app: Flask) -> None:
    """Connect every registered endpoint with the application."""
    for one in ENDPOINTS:
        app.add_url_rule(
            one.rule,
            endpoint=f"{one.method} {one.rule}",
            view_func=_view(one),
            methods=[one.method],
        )


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


def _view(one: Endpoint) -> Callable[..., Response]:
    def view(**variables: str) -> Response:
        key = idempotency.key_of(request)
        given: dict[str, Any] = {}
        begun = False
        try:
            given = _given()
            allowed = auth.check(request, given)
            if key and (first := idempotency.replay(key, request.path, given)):
                response = _json(*first)
                response.headers["Idempotent-Replayed"] = "true"
                return response
            expand = _expand(allowed.pop("expand", []))
            params = _checked(one, allowed)
            begun = True
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

    return view


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

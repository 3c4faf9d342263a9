"""Who may call: any `sk_test_` key is the one account, live keys are refused."""

from __future__ import annotations

import re
from typing import Any

from flask import Request

from sandbox.errors import ApiError
from sandbox.store import store

# What Stripe.js calls with a publishable key, and the intent whose client secret it must show.
PUBLISHABLE = (
    ("POST", re.compile(r"/v1/payment_methods"), None),
    ("GET", re.compile(r"/v1/setup_intents/(?P<id>[^/]+)"), "setup_intent"),
    ("GET", re.compile(r"/v1/payment_intents/(?P<id>[^/]+)"), "payment_intent"),
    ("POST", re.compile(r"/v1/setup_intents/(?P<id>[^/]+)/confirm"), "setup_intent"),
    ("POST", re.compile(r"/v1/payment_intents/(?P<id>[^/]+)/confirm"), "payment_intent"),
)
HELP = "See https://docs.stripe.com/api#authentication for details, or we can help at \
https://support.stripe.com/."


def key_of(request: Request) -> str:
    """The API key of a request, from a bearer token or the user name of basic authentication."""
    authorization = request.authorization
    if authorization is None:
        return ""
    if authorization.type == "basic":
        return authorization.username or ""
    return (authorization.token or "").strip() if authorization.type == "bearer" else ""


def check(request: Request, params: dict[str, Any]) -> dict[str, Any]:
    """`params` for the handler, or ApiError 401 for a key that may not make this call."""
    key = key_of(request)
    if key.startswith("sk_test_"):
        return params
    if not key:
        raise ApiError(
            401,
            "You did not provide an API key. You need to provide your API key in the "
            "Authorization header, using Bearer auth (e.g. 'Authorization: Bearer "
            f"YOUR_SECRET_KEY'). {HELP}",
        )
    if key.startswith("pk_test_"):
        return _with_client_secret(request, params)
    raise ApiError(401, f"Invalid API Key provided: {masked(key)}")


def is_publishable(method: str, path: str) -> bool:
    """Stripe.js may make this call from a browser."""
    return any(m == method and pattern.fullmatch(path) for m, pattern, _ in PUBLISHABLE)


def masked(key: str) -> str:
    """A key as Stripe's messages show it, the middle starred."""
    start = re.match(r"(?:sk|rk|pk)_(?:test|live)_", key)
    visible = len(start.group()) if start else min(4, len(key) // 3)
    return key[:visible] + "*" * max(len(key) - visible - 4, 4) + key[visible:][-4:]


def _with_client_secret(request: Request, params: dict[str, Any]) -> dict[str, Any]:
    for method, pattern, kind in PUBLISHABLE:
        match = pattern.fullmatch(request.path)
        if method != request.method or not match:
            continue
        params = {name: value for name, value in params.items() if name != "key"}
        if kind:
            secret = params.pop("client_secret", None)
            doc = store.get(kind, match["id"], "intent")
            if secret is None:
                raise ApiError(
                    400,
                    "Missing required param: client_secret.",
                    code="parameter_missing",
                    param="client_secret",
                )
            if secret != doc.get("client_secret"):
                raise ApiError(
                    400,
                    f"The client_secret provided does not match the client_secret associated with "
                    f"this {'SetupIntent' if kind == 'setup_intent' else 'PaymentIntent'}.",
                    param="client_secret",
                )
        return params
    raise ApiError(
        401,
        "This API call cannot be made with a publishable API key. Please use a secret API key. "
        "You can find a list of your API keys at https://dashboard.stripe.com/account/apikeys.",
        code="secret_key_required",
    )

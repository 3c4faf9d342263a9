"""`Idempotency-Key`: the first result is kept and replayed, other parameters are refused."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Request

from sandbox import clock
from sandbox.errors import ApiError
from sandbox.store import store

MAX_LENGTH = 255

_lock = threading.Lock()
_in_use: set[str] = set()


def key_of(request: Request) -> str | None:
    """The key of a POST; other methods are idempotent by themselves and carry none."""
    return request.headers.get("Idempotency-Key") if request.method == "POST" else None


@contextmanager
def in_use(key: str | None) -> Iterator[None]:
    """Hold a key for the time of a request; ApiError 409 when another request holds it."""
    if key is None:
        yield
        return
    with _lock:
        if key in _in_use:
            raise ApiError(
                409,
                "There is currently another in-progress request using this Idempotent Key (that "
                "probably means you submitted twice, and the other request is still going "
                f"through): {key}. Please try again later.",
                code="idempotency_key_in_use",
            )
        _in_use.add(key)
    try:
        yield
    finally:
        with _lock:
            _in_use.discard(key)


def replay(key: str, path: str, params: dict[str, Any]) -> tuple[int, str] | None:
    """The status and body first answered under `key`, None for a new key.

    ApiError 400 idempotency_error when the key was used for something else.
    """
    if len(key) > MAX_LENGTH:
        raise ApiError(
            400,
            f"Idempotency keys may not be longer than {MAX_LENGTH} characters.",
            type="idempotency_error",
        )
    row = store.sql(
        "SELECT path, fingerprint, status, body FROM idempotency WHERE key = ?", (key,)
    ).fetchone()
    if row is None:
        return None
    first_path, fingerprint, status, body = row
    another = f"Try using a key other than '{key}' if you meant to execute a different request."
    if first_path != path:
        raise ApiError(
            400,
            "Keys for idempotent requests can only be used for the same endpoint they were first "
            f"used for ('{path}' vs '{first_path}'). {another}",
            type="idempotency_error",
        )
    if fingerprint != _fingerprint(params):
        raise ApiError(
            400,
            "Keys for idempotent requests can only be used with the same parameters they were "
            f"first used with. {another}",
            type="idempotency_error",
        )
    return status, body


def remember(key: str, path: str, params: dict[str, Any], status: int, body: str) -> None:
    """Keep a result for `replay`."""
    store.sql(
        "INSERT OR IGNORE INTO idempotency VALUES (?, ?, ?, ?, ?, ?)",
        (key, path, _fingerprint(params), status, body, clock.now()),
    )


def _fingerprint(params: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()

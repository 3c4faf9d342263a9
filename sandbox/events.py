"""Events: recorded with the change they report, delivered to webhook endpoints after its commit."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import stripe
from flask import g, has_request_context, request

from sandbox.protocol import idempotency
from sandbox.protocol.rendering import render
from sandbox.schema import blank
from sandbox.store import Storage, Transaction, new_id, store, to_json

API_VERSION: str = stripe.api_version
PENDING, SUCCEEDED, FAILED = "pending", "succeeded", "failed"
RETRY_SECONDS = (2, 5, 15, 60, 300, 1800, 3600)
GIVE_UP_AFTER = 80  # attempts: about three days at one an hour

_storage: Storage | None = None
_wake = [lambda: None]


def attach(storage: Storage, wake: Any = None) -> None:
    """Use this storage for calls made outside a request; `wake` is called when work is due."""
    global _storage
    _storage = storage
    _wake[0] = wake or (lambda: None)


def transaction() -> AbstractContextManager[Transaction]:
    """A transaction outside a request, on the storage of the last sandbox that was created."""
    if _storage is None:
        raise RuntimeError("no sandbox was created in this process")
    return _storage.transaction()


def emit(type: str, doc: Mapping[str, Any], previous: Mapping[str, Any] | None = None) -> None:
    """Record an event about `doc` as it is now, and queue it for the endpoints that listen.

    `previous` holds the old values of what changed, or is the whole document as it was before:
    then the old values of what differs are reported.
    """
    shown = render(doc)
    if previous is not None and "id" in previous and "object" in previous:
        previous = difference(render(previous), shown)
    announce(type, shown, previous)


def announce(type: str, shown: dict[str, Any], previous: Mapping[str, Any] | None = None) -> None:
    """As `emit`, for an object that is rendered already; `previous` holds old values only."""
    data: dict[str, Any] = {"object": shown}
    if previous is not None:
        data["previous_attributes"] = dict(previous)
    listening = [
        one
        for one in store.all("webhook_endpoint", status="enabled")
        if "*" in one["enabled_events"] or type in one["enabled_events"]
    ]
    event = store.insert(
        "event",
        blank(
            "event",
            id=new_id("evt"),
            type=type,
            api_version=API_VERSION,
            data=data,
            pending_webhooks=len(listening),
            request=_request(),
        ),
    )
    for one in listening:
        _queue(event["id"], one["id"])


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The old values of what changed; inside nested objects only the keys that changed."""
    changed: dict[str, Any] = {}
    for name in before.keys() | after.keys():
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping) and "object" not in old:
            changed[name] = difference(old, new)
        else:
            changed[name] = old
    return changed


def changed(type: str, doc: dict[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Save a changed document and emit `type` when anything visible differs from `before`."""
    store.save(doc)
    if difference(render(before), render(doc)):
        emit(type, doc, before)
    return doc


def _request() -> dict[str, Any]:
    # Changes that no API call made (a page, the passing of time) name no request.
    if not has_request_context() or not request.path.startswith("/v1/"):
        return {"id": None, "idempotency_key": None}
    return {"id": g.request_id, "idempotency_key": idempotency.key_of(request)}


def _queue(event: str, endpoint: str) -> None:
    store.sql(
        "INSERT OR REPLACE INTO deliveries (event, endpoint, state, attempts, next_at)"
        " VALUES (?, ?, ?, 0, ?)",
        (event, endpoint, PENDING, time.time()),
    )
    _wake[0]()


# Deliveries ----------------------------------------------------------------------------------


def payload(event: Mapping[str, Any]) -> bytes:
    """The body that is signed and sent for an event."""
    return to_json(render(event)).encode()


def signature(payload: bytes, secret: str, timestamp: int) -> str:
    """The `Stripe-Signature` header for a body sent at `timestamp` (unix seconds)."""
    signed = f"{timestamp}.".encode() + payload
    return f"t={timestamp},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def pending() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Every (event, endpoint) still to be delivered, oldest first; the endpoint has its secret."""
    with transaction():
        return _waiting(before=float("inf"))


def due(late: int = 0, newest_first: bool = False) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """As `pending`, only what may be tried now by the machine's clock; at most 50.

    With `late`, what was to be tried that many seconds ago.
    """
    with transaction():
        return _waiting(before=time.time() - late, limit=50, newest_first=newest_first)


def next_due() -> float | None:
    """When the next attempt is due, in the machine's unix seconds; None when nothing waits."""
    with transaction() as current:
        return current.sql(
            "SELECT min(next_at) FROM deliveries WHERE state = ?", (PENDING,)
        ).fetchone()[0]


def newest() -> int:
    """A number that grows with each delivery that is queued, for `wait_for`."""
    return store.sql("SELECT max(rowid) FROM deliveries").fetchone()[0] or 0


def wait_for(after: int, patience: float, enough: Callable[[], bool]) -> None:
    """Wait until every delivery queued after `newest` said `after` was tried once, if it may be
    tried by now; at most `patience` seconds, or until `enough`."""
    until = time.monotonic() + patience
    while time.monotonic() < until and not enough():
        with transaction() as current:
            waiting = current.sql(
                "SELECT 1 FROM deliveries WHERE rowid > ? AND state = ? AND attempts = 0"
                " AND next_at <= ? LIMIT 1",
                (after, PENDING, time.time()),
            ).fetchone()
        if not waiting:
            return
        time.sleep(0.02)


def retry_at(moment: float) -> None:
    """Try what waits after a failed try at `moment`, in the machine's unix seconds."""
    store.sql(
        "UPDATE deliveries SET next_at = ? WHERE state = ? AND attempts > 0", (moment, PENDING)
    )


def wake() -> None:
    """Have what is due delivered without waiting for the next look."""
    _wake[0]()


def _waiting(
    before: float, limit: int = -1, newest_first: bool = False
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    rows = store.sql(
        "SELECT d.event, d.endpoint FROM deliveries d"
        " JOIN objects o ON o.kind = 'event' AND o.id = d.event"
        " WHERE d.state = ? AND d.next_at <= ?"
        " ORDER BY o.seq * ? LIMIT ?",
        (PENDING, before, -1 if newest_first else 1, limit),
    ).fetchall()
    found = []
    for event_id, endpoint_id in rows:
        endpoint = store.find("webhook_endpoint", endpoint_id)
        if endpoint is None or endpoint["status"] != "enabled":
            _settle(event_id, endpoint_id, FAILED)
        else:
            found.append((store.get("event", event_id), endpoint | {"secret": endpoint["_secret"]}))
    return found


def record(
    event_id: str,
    endpoint_id: str,
    status: int | None,
    response: str = "",
    final: bool = False,
) -> None:
    """Log an attempt. Anything but a 2xx is tried again later, unless it is `final`; None means no
    answer came. What has succeeded stays so, whatever a second attempt comes to.
    """
    names = (event_id, endpoint_id)
    with transaction():
        row = store.sql(
            "SELECT attempts, state FROM deliveries WHERE event = ? AND endpoint = ?", names
        ).fetchone()
        attempt = (row[0] if row else 0) + 1
        store.sql(
            "INSERT INTO attempts (event, endpoint, attempt, status, response, at)"
            " SELECT ?, ?, count(*) + 1, ?, ?, ? FROM attempts WHERE event = ? AND endpoint = ?",
            (*names, status, response[:2000], int(time.time()), *names),
        )
        if row and row[1] == SUCCEEDED:
            return
        if status is not None and 200 <= status < 300:
            _settle(event_id, endpoint_id, SUCCEEDED, attempt)
        elif final or attempt >= GIVE_UP_AFTER:
            _settle(event_id, endpoint_id, FAILED, attempt)
        else:
            wait = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS)) - 1]
            store.sql(
                "UPDATE deliveries SET attempts = ?, next_at = ? WHERE event = ? AND endpoint = ?",
                (attempt, time.time() + wait, event_id, endpoint_id),
            )


def _settle(event_id: str, endpoint_id: str, state: str, attempts: int = 0) -> None:
    store.sql(
        "UPDATE deliveries SET state = ?, attempts = ? WHERE event = ? AND endpoint = ?",
        (state, attempts, event_id, endpoint_id),
    )
    event = store.find("event", event_id)
    if event is not None and event["pending_webhooks"] > 0:
        event["pending_webhooks"] -= 1
        store.save(event)


def redeliver(event_id: str, endpoint_id: str) -> None:
    """Queue an event again for an endpoint, whatever became of it before."""
    event = store.get("event", event_id)
    store.get("webhook_endpoint", endpoint_id)
    row = store.sql(
        "SELECT state FROM deliveries WHERE event = ? AND endpoint = ?", (event_id, endpoint_id)
    ).fetchone()
    if row is None or row[0] != PENDING:
        event["pending_webhooks"] += 1
        store.save(event)
    _queue(event_id, endpoint_id)


def deliveries(limit: int = 50, event: str | None = None) -> list[dict[str, Any]]:
    """Newest first: event, type, endpoint, url, state, attempts, and the last attempt's status,
    response and at (unix seconds), None before the first."""
    sql = (
        "SELECT d.event, d.endpoint, d.state, d.attempts, a.status, a.response, a.at"
        " FROM deliveries d JOIN objects o ON o.kind = 'event' AND o.id = d.event"
        " LEFT JOIN attempts a ON a.id = (SELECT max(id) FROM attempts"
        " WHERE event = d.event AND endpoint = d.endpoint)"
    )
    values: list[Any] = []
    if event is not None:
        sql, values = sql + " WHERE d.event = ?", [event]
    rows = store.sql(sql + " ORDER BY o.seq DESC LIMIT ?", (*values, limit)).fetchall()
    names = ("event", "endpoint", "state", "attempts", "status", "response", "at")
    found = [dict(zip(names, row, strict=True)) for row in rows]
    for one in found:
        endpoint = store.find("webhook_endpoint", one["endpoint"])
        one["url"] = endpoint["url"] if endpoint else None
        one["type"] = store.get("event", one["event"])["type"]
    return found


def attempts(event: str) -> list[dict[str, Any]]:
    """Every delivery attempt of an event, oldest first: endpoint, attempt, status, response, at."""
    names = ("endpoint", "attempt", "status", "response", "at")
    rows = store.sql(
        "SELECT endpoint, attempt, status, response, at FROM attempts WHERE event = ? ORDER BY id",
        (event,),
    )
    return [dict(zip(names, row, strict=True)) for row in rows]

"""A local, stateful Stripe: its HTTP API, its webhooks and its pages, for tests and demos.

The installed `stripe` package is used as the description of objects and parameters only.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from sandbox import advancing, duties, events, pages, resources
from sandbox import clock as sandbox_clock
from sandbox.background import Background
from sandbox.chaos import faults
from sandbox.delivery import LOOPBACK, Courier
from sandbox.engine import time as engine_time
from sandbox.errors import ApiError
from sandbox.protocol import auth, idempotency, routing, timing
from sandbox.store import Storage, new_id

DEFAULT_URL = "http://127.0.0.1:8001"


class Sandbox(Flask):
    """The application: each request is one transaction on `storage`."""

    storage: Storage
    threads: tuple[Background, ...] = ()
    clock_file: Path | None = None

    def full_dispatch_request(self) -> Response:
        g.request_id = new_id("req", 14)
        if (request.host.rsplit(":", 1)[0] if "]" not in request.host else "::1") not in LOOPBACK:
            # A page elsewhere must not reach the sandbox by a name that resolves to this machine.
            return Response("This sandbox answers on this machine only.\n", 403)
        try:
            with idempotency.in_use(idempotency.key_of(request)), self.storage.exclusive():
                before = sandbox_clock.offset()
                with sandbox_clock.undone_on_error(), self.storage.transaction() as transaction:
                    with timing.of_request(request):
                        response = super().full_dispatch_request()
                    if sandbox_clock.offset() != before:
                        transaction.set_setting(sandbox_clock.SETTING, str(sandbox_clock.offset()))
                        duties.perform()
                if sandbox_clock.offset() != before:
                    self.tell_time()
        except ApiError as error:
            response = self.process_response(routing.answer_error(error))
        return faults.send(response)

    def tell_time(self) -> None:
        """Write how many seconds the sandbox is ahead of the machine to the clock file, if there
        is one; nobody reads half of it."""
        if self.clock_file is not None:
            aside = self.clock_file.with_name(f"{self.clock_file.name}.new")
            aside.write_text(f"{sandbox_clock.ahead()}\n")
            aside.replace(self.clock_file)

    def close(self) -> None:
        """End the background threads and close the file."""
        for thread in self.threads:
            thread.stop()
        self.storage.close()


def create_app(
    database: str = ":memory:",
    clock: Callable[[], float] | int | None = None,
    deliver: bool = True,
    base_url: str = DEFAULT_URL,
    clock_file: str | Path | None = None,
    begin: int | None = None,
) -> Sandbox:
    """The sandbox on a SQLite file.

    `clock` is a unix second to stand still at, or something that tells the time; by default it is
    the machine's clock. With `deliver` false, events wait in `events.pending()` for the caller.
    `base_url` is where a browser finds the sandbox's pages. In `clock_file` it writes how many
    seconds it is ahead of the machine's clock, at start and whenever its clock is moved, before it
    tells of what happened. On a new file time goes on from the unix second `begin`, be it past: a
    past can then be lived through.
    """
    app = Sandbox(__name__, static_folder=None)
    app.config["BASE_URL"] = base_url.rstrip("/")
    app.storage = Storage(database)
    if callable(clock):
        sandbox_clock.follow(clock)
    elif clock is not None:
        sandbox_clock.set(clock)
    with app.storage.transaction() as transaction:
        saved = transaction.setting(sandbox_clock.SETTING)
        if saved is not None:
            sandbox_clock.advance(int(saved) - sandbox_clock.offset())
        elif begin is not None and not transaction.kinds():
            sandbox_clock.advance(begin - sandbox_clock.now())
            transaction.set_setting(sandbox_clock.SETTING, str(sandbox_clock.offset()))

    resources.load()
    with app.storage.transaction():
        engine_time.index()
    routing.add_endpoints(app)
    for module in pkgutil.iter_modules(pages.__path__):
        blueprint = getattr(importlib.import_module(f"{pages.__name__}.{module.name}"), "bp", None)
        if blueprint is not None:
            app.register_blueprint(blueprint)

    app.add_url_rule("/healthz", view_func=healthz)
    app.register_error_handler(ApiError, routing.answer_error)
    app.register_error_handler(HTTPException, _http_error)
    app.before_request(faults.strike)
    app.after_request(_headers)
    if clock_file is not None:
        app.clock_file = Path(clock_file)
        app.clock_file.parent.mkdir(parents=True, exist_ok=True)
        app.tell_time()
    if deliver:
        courier = Courier()
        events.attach(app.storage, courier.wake)
        player = app.extensions["player"] = advancing.Player(app)
        app.threads = (courier, duties.Timekeeper(app), player)
        for thread in app.threads:
            thread.start()
    else:
        events.attach(app.storage)
    return app


def healthz() -> Response:
    return Response("ok\n", content_type="text/plain")


def _http_error(error: HTTPException) -> Response | HTTPException:
    if not request.path.startswith("/v1/"):
        return error
    if error.code in (404, 405):
        return routing.answer_error(routing.unknown_url())
    message = "An unknown error occurred." if error.code == 500 else str(error.description)
    type = "api_error" if error.code == 500 else "invalid_request_error"
    return routing.answer_error(ApiError(error.code or 500, message, type=type))


def _headers(response: Response) -> Response:
    if request.path.startswith("/v1/"):
        response.headers["Request-Id"] = g.request_id
        response.headers["Stripe-Version"] = request.headers.get(
            "Stripe-Version", events.API_VERSION
        )
        if key := idempotency.key_of(request):
            response.headers["Idempotency-Key"] = key
        method = request.headers.get("Access-Control-Request-Method", request.method)
        if auth.is_publishable(method, request.path):
            # Stripe.js calls from the merchant's page, another origin; no cookie is involved.
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
            response.headers["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
    return response

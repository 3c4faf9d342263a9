"""The sandbox inside a test: `responses` carries HTTP calls into its WSGI application."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import requests
import responses
from flask import Flask
from werkzeug.http import http_date
from werkzeug.test import Client

from sandbox.chaos.wire import WIRE

BASE_URL = "http://127.0.0.1:8001"


class CarriedWire:
    """A connection that waits for nothing: it says how the client's wait would have ended.

    `timeout` is how many seconds the client waits for an answer; None is for ever.
    """

    def __init__(self, timeout: float | None) -> None:
        self._timeout = timeout
        self.failure: requests.RequestException | None = None

    def hold(self, seconds: int) -> None:
        if self._timeout is not None and seconds >= self._timeout:
            self.failure = requests.ReadTimeout(f"Read timed out. (read timeout={self._timeout})")

    def cut(self) -> None:
        self.failure = self.failure or requests.ConnectionError(
            "Remote end closed connection without response"
        )


def carry(mock: responses.RequestsMock, app: Flask, base: str = BASE_URL) -> None:
    """Answer every request under `base` that the mock sees with the application's answer.

    Where chaos holds an answer back or loses it, the client gets the error it would get, at once.
    """
    client = Client(app)

    def answer(request: Any) -> tuple[int, dict[str, str], bytes]:
        url = urlsplit(request.url)
        # Handed over as sent, the authorization included; the address is the sandbox's own.
        headers = {k: v for k, v in request.headers.items() if k.lower() != "host"}
        timeout = request.req_kwargs.get("timeout")
        wire = CarriedWire(timeout[1] if isinstance(timeout, tuple) else timeout)
        response = client.open(
            url.path,
            base_url=BASE_URL,
            query_string=url.query,
            method=request.method,
            headers=headers,
            data=request.body,
            environ_overrides={WIRE: wire},
        )
        if wire.failure is not None:
            raise wire.failure
        # The server in front of a WSGI application tells the time of its answer.
        sent = {"Date": http_date(), **response.headers}
        return response.status_code, sent, response.get_data()

    for method in ("GET", "POST", "DELETE"):
        mock.add_callback(method, re.compile(re.escape(base) + r"/.*"), callback=answer)

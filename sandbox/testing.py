"""The sandbox inside a test: `responses` carries HTTP calls into its WSGI application."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import responses
from flask import Flask
from werkzeug.http import http_date
from werkzeug.test import Client

BASE_URL = "http://127.0.0.1:8001"


def carry(mock: responses.RequestsMock, app: Flask, base: str = BASE_URL) -> None:
    """Answer every request under `base` that the mock sees with the application's answer."""
    client = Client(app)

    def answer(request: Any) -> tuple[int, dict[str, str], bytes]:
        url = urlsplit(request.url)
        # Handed over as sent, the authorization included; the address is the sandbox's own.
        headers = {k: v for k, v in request.headers.items() if k.lower() != "host"}
        response = client.open(
            url.path,
            base_url=BASE_URL,
            query_string=url.query,
            method=request.method,
            headers=headers,
            data=request.body,
        )
        # The server in front of a WSGI application tells the time of its answer.
        sent = {"Date": http_date(), **response.headers}
        return response.status_code, sent, response.get_data()

    for method in ("GET", "POST", "DELETE"):
        mock.add_callback(method, re.compile(re.escape(base) + r"/.*"), callback=answer)

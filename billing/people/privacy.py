"""What a signed-in person saw stays in no cache: after signing out, "back" shows nothing of it."""

from __future__ import annotations

from flask import Flask, session
from werkzeug.wrappers import Response


def init_app(app: Flask) -> None:
    app.after_request(keep_no_copy)


def keep_no_copy(response: Response) -> Response:
    """Forbids copies of an answer that depends on who asked (RFC 9111, section 5.2.2.5)."""
    if session.accessed and "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "private, no-store"
    return response

"""Requests with a NUL character, which nobody types and no text column of PostgreSQL takes."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Flask, abort, request

NULL = "\0"


def init_app(app: Flask) -> None:
    """Answers 400 to them before any page looks at what was sent."""
    app.before_request(refuse)


def refuse() -> None:
    if any(NULL in text for text in _texts()):
        abort(400)


def _texts() -> Iterator[str]:
    """What the request says in its path, its query and its form, names included."""
    yield request.path
    for sent in (request.args, request.form):
        for name, value in sent.items(multi=True):
            yield name
            yield value

"""Whether a form was sent by a page of the sandbox itself."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import request


def from_here() -> bool:
    """True for a request that a page of this sandbox makes; browsers do not let others claim it."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc == request.host

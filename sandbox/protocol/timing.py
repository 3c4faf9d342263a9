"""Which clock a request is on: that of the test clock whose objects it names, else the sandbox's.

Everything a request does then sees that clock's time, and what it makes belongs to the clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager

from flask import Request

from sandbox import clock
from sandbox.store import store

KIND = "test_helpers.test_clock"
# Test clocks themselves are moved from outside.
OUTSIDE = "/v1/test_helpers/"
IDS = re.compile(r"[a-z]+(?:_[a-z]+)*_[0-9A-Za-z]{8,}")
MOST_IDS = 200


def of_request(request: Request) -> AbstractContextManager[None]:
    """The block to answer a request in."""
    if request.path.startswith(OUTSIDE):
        return clock.on(clock.OWN)
    ids = list(dict.fromkeys(_named(request)))[:MOST_IDS]
    name = store.clock_of(ids) or next((id for id in ids if id.startswith("clock_")), "")
    return of_clock(name)


def of_clock(name: str) -> AbstractContextManager[None]:
    """The block in which a test clock's frozen time is the time; the sandbox's own clock when
    there is no such test clock."""
    found = store.find(KIND, name) if name else None
    return clock.on(name, found["frozen_time"]) if found else clock.on(clock.OWN)


def _named(request: Request) -> Iterator[str]:
    """Every id in the address and the parameters; the secret of a portal page names its session."""
    yield from IDS.findall(request.path)
    if request.path.startswith("/p/session/"):
        secret = request.path.split("/")[3]
        yield from (one["id"] for one in store.all("billing_portal.session", _secret=secret))
    for value in request.values.values():
        yield from IDS.findall(value)
    if request.is_json:
        yield from IDS.findall(request.get_data(as_text=True))

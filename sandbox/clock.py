"""The clocks: unix seconds, UTC.

The sandbox's own is by default the machine's time plus what somebody advanced it by. Once set it
stands still until it is set, advanced or reset, so a test decides every second. What belongs to a
test clock sees that clock's time instead: see `on`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

OWN = ""  # the name of the sandbox's own clock; a test clock's name is its id
SETTING = "clock_offset"  # where the store keeps how far the sandbox's own clock was advanced

_source: Callable[[], float] = time.time
_standing: int | None = None
_offset: int = 0
_elsewhere: ContextVar[tuple[str, int] | None] = ContextVar("sandbox_time", default=None)


def now() -> int:
    """The time in unix seconds: the sandbox's, or that of the clock this runs on."""
    moment = _elsewhere.get()
    if moment is not None:
        return moment[1]
    return (int(_source()) if _standing is None else _standing) + _offset


def name() -> str:
    """The clock that this runs on: a test clock's id, or OWN."""
    moment = _elsewhere.get()
    return moment[0] if moment else OWN


def set(timestamp: int) -> None:
    """Stop the clock at `timestamp` (unix seconds)."""
    global _standing, _offset
    _standing, _offset = int(timestamp), 0


def advance(seconds: int) -> int:
    """Move the clock forward, standing or running; the new time."""
    global _offset
    _offset += int(seconds)
    return now()


def move_to(timestamp: int) -> None:
    """Move the sandbox's own clock forward to a unix second; nothing when it is past it."""
    with on(OWN):
        if timestamp > now():
            advance(timestamp - now())


def offset() -> int:
    """How many seconds the clock was advanced by since it was reset or set."""
    return _offset


@contextmanager
def undone_on_error() -> Iterator[None]:
    """Put the sandbox's own clock back where it was when the block raises."""
    global _offset
    before = _offset
    try:
        yield
    except BaseException:
        # An interrupt too: the time must not stand where the undone work had left it.
        _offset = before
        raise


def ahead() -> int:
    """How many seconds the sandbox's own clock is ahead of the machine's."""
    with on(OWN):
        return now() - int(time.time())


def follow(source: Callable[[], float]) -> None:
    """Read the time from `source` from now on, with nothing added."""
    global _source, _standing, _offset
    _source, _standing, _offset = source, None, 0


def reset() -> None:
    """Back to the machine's own time."""
    follow(time.time)


@contextmanager
def at(timestamp: int) -> Iterator[None]:
    """Run a block at another time of the same clock: what is due then is played, or previewed.
    Other threads keep theirs."""
    with on(name(), timestamp):
        yield


@contextmanager
def on(clock: str, timestamp: int | None = None) -> Iterator[None]:
    """Run a block on a clock, a test clock at the time `timestamp`; what is made inside belongs
    to the clock. Without a time it is the sandbox's own clock as it runs."""
    token = _elsewhere.set(None if timestamp is None else (clock, int(timestamp)))
    try:
        yield
    finally:
        _elsewhere.reset(token)

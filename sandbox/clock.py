"""The sandbox's one clock: unix seconds, UTC.

By default it is the machine's time plus what somebody advanced it by. Once set it stands still
until it is set, advanced or reset, so a test decides every second.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_source: Callable[[], float] = time.time
_standing: int | None = None
_offset: int = 0
_elsewhere: ContextVar[int | None] = ContextVar("sandbox_time", default=None)


def now() -> int:
    """The sandbox's time in unix seconds."""
    moment = _elsewhere.get()
    if moment is not None:
        return moment
    return (int(_source()) if _standing is None else _standing) + _offset


def set(timestamp: int) -> None:
    """Stop the clock at `timestamp` (unix seconds)."""
    global _standing, _offset
    _standing, _offset = int(timestamp), 0


def advance(seconds: int) -> int:
    """Move the clock forward, standing or running; the new time."""
    global _offset
    _offset += int(seconds)
    return now()


def offset() -> int:
    """How many seconds the clock was advanced by since it was reset or set."""
    return _offset


def follow(source: Callable[[], float]) -> None:
    """Read the time from `source` from now on, with nothing added."""
    global _source, _standing, _offset
    _source, _standing, _offset = source, None, 0


def reset() -> None:
    """Back to the machine's own time."""
    follow(time.time)


@contextmanager
def at(timestamp: int) -> Iterator[None]:
    """Run a block at another time: what is due then is played, or previewed. Other threads keep
    theirs."""
    token = _elsewhere.set(int(timestamp))
    try:
        yield
    finally:
        _elsewhere.reset(token)

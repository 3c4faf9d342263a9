"""The connection that a call came in by, for faults that hold it or cut it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Any, Protocol

# The name in the WSGI environment under which a test puts a wire of its own.
WIRE = "sandbox.wire"
# The server has 16 threads; those that hold an answer leave the pages enough to be served by.
_held = threading.BoundedSemaphore(10)


class Wire(Protocol):
    """What can happen to an answer on its way."""

    def hold(self, seconds: int) -> None: ...

    def cut(self) -> None: ...


class ServerWire:
    """The socket of the server that runs the application."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self._socket = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")

    def hold(self, seconds: int) -> None:
        """Wait; at once over when too many wait already."""
        if _held.acquire(blocking=False):
            try:
                time.sleep(seconds)
            finally:
                _held.release()

    def cut(self) -> None:
        """Close the connection: what is written to it afterwards reaches nobody."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


def of(environ: dict[str, Any]) -> Wire:
    """The wire of a request."""
    return environ.get(WIRE) or ServerWire(environ)

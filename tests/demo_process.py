"""`bin/demo` as a process of its own, on free ports, with data that goes away."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
READY = "Ctrl-C ends everything."


def free_ports() -> int:
    """The first of two neighbouring ports that nobody listens on."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


class Demo:
    """A running demo: its addresses, and what it printed. `until` are words of the line at which
    it is left to itself."""

    def __init__(self, data: Path, *options: str, company: str = "none", until: str = READY):
        self.port = free_ports()
        self.portal = f"http://127.0.0.1:{self.port}"
        self.sandbox = f"http://127.0.0.1:{self.port + 1}"
        self.printed = ""
        command = [sys.executable, str(ROOT / "bin" / "demo")]
        self.process = subprocess.Popen(
            [
                *command,
                *("--port", str(self.port), "--data", str(data), "--company", company),
                *options,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # The demo finds its own environment, whatever runs the suite.
            env={k: v for k, v in os.environ.items() if k != "PORTAL_IN_VENV"},
            start_new_session=True,
        )
        self._read_until(until)

    def _read_until(self, words: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed += line
            if words in line:
                return
        raise AssertionError(f"the demo ended before it was ready:\n{self.printed}")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ends it as a person or a service manager would; its exit status."""
        self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=30)
        self.printed += rest
        return self.process.returncode


def descendants(pid: int) -> set[int]:
    """Every process started by `pid`, directly or not (Linux's /proc)."""
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        parent = waiting.pop()
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            children = {int(child) for child in task.read_text().split()}
            waiting += children - found
            found |= children
    return found

"""The portal as gunicorn serves it by the project's gunicorn.conf.py, on a test's database."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.demo_process import free_ports

ROOT = Path(__file__).resolve().parents[2]
# What the test client that signed in says it is: a session is for one browser.
BROWSER = f"Werkzeug/{version('werkzeug')}"


class Server:
    """A running portal that knows the people who are signed in to `settings`' application."""

    def __init__(self, settings: Any):
        self.port = free_ports()
        env = {"PATH": os.environ["PATH"], "PORTAL_ENV": "development"}
        env |= {"DATABASE_URL": settings.database_url, "SECRET_KEY": settings.secret_key}
        options = ["--bind", f"127.0.0.1:{self.port}", "--workers", "1", "--log-level", "info"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *options, "wsgi:app"],
            cwd=ROOT,
            env=env,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stderr is not None
        self.said = ""
        for line in self._process.stderr:
            self.said += line
            if "Booting worker" in line:
                return
        raise AssertionError(f"the server did not start:\n{self.said}")

    def ask(self, path: str, cookie: str = "") -> tuple[http.client.HTTPConnection, Any]:
        """The connection and its answer, whose body is not read yet; little of it is on its way."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.sock = socket.socket()
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sock.connect(("127.0.0.1", self.port))
        headers = {"User-Agent": BROWSER, "Cookie": f"session={cookie}"}
        connection.request("GET", path, headers=headers)
        return connection, connection.getresponse()

    def read(self, path: str, cookie: str = "") -> tuple[Any, bytes]:
        """The answer and its whole body; http.client.IncompleteRead when it broke off."""
        connection, answer = self.ask(path, cookie)
        try:
            return answer, answer.read()
        finally:
            connection.close()

    def stop(self) -> str:
        os.killpg(self._process.pid, signal.SIGQUIT)
        _, rest = self._process.communicate(timeout=40)
        return self.said + rest

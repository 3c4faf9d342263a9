"""`python -m sandbox --port 8001 --data instance/sandbox.sqlite3`: the sandbox on its own."""

from __future__ import annotations

import argparse
import socket
import sys
from typing import Any

from gunicorn.app.base import BaseApplication

from sandbox import create_app

HOST = "127.0.0.1"


class Server(BaseApplication):
    """gunicorn with one process and threads: the database has one writer."""

    def __init__(self, port: int, database: str, **how: Any) -> None:
        self._port, self._database, self._how = port, database, how
        super().__init__()

    def load_config(self) -> None:
        settings: dict[str, Any] = {
            "bind": f"{HOST}:{self._port}",
            "workers": 1,
            "worker_class": "gthread",
            "threads": 16,
            "graceful_timeout": 1,
            "limit_request_line": 0,
            "loglevel": "warning",
            "proc_name": "sandbox",
            # It would lie in the home directory, one for all of gunicorn's servers.
            "control_socket_disable": True,
            "worker_exit": lambda server, worker: worker.wsgi.close(),
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return create_app(self._database, **self._how)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--data", default="instance/sandbox.sqlite3", help="the SQLite file")
    parser.add_argument("--base-url", help="where a browser finds the sandbox's pages")
    parser.add_argument(
        "--clock-file", help="where it writes how many seconds it is ahead of this machine"
    )
    parser.add_argument(
        "--begin", type=int, help="the unix second at which time begins on a new file"
    )
    options = parser.parse_args()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, options.port))
        except OSError:
            sys.exit(f"Port {options.port} is in use. Choose another: python -m sandbox --port N")
    base_url = options.base_url or f"http://{HOST}:{options.port}"
    print(f"The sandbox is at {base_url}", flush=True)
    how = {"base_url": base_url, "clock_file": options.clock_file, "begin": options.begin}
    Server(options.port, options.data, **how).run()


if __name__ == "__main__":
    main()

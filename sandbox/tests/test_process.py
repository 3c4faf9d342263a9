"""`python -m sandbox` as a process of its own."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
import stripe
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(port: int, data: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--port", str(port), "--data", str(data)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        session = requests.Session()
        session.mount("http://", HTTPAdapter(max_retries=Retry(total=12, backoff_factor=0.05)))
        assert session.get(f"http://127.0.0.1:{port}/healthz", timeout=10).text == "ok\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def client(port: int) -> stripe.StripeClient:
    return stripe.StripeClient(
        "sk_test_x",
        http_client=stripe.RequestsClient(),
        base_addresses={"api": f"http://127.0.0.1:{port}"},
    )


def test_data_outlives_the_process_and_sigterm_ends_it(tmp_path: Path) -> None:
    port, data = free_port(), tmp_path / "instance" / "sandbox.sqlite3"
    with running(port, data) as process:
        customer = client(port).v1.customers.create({"name": "Ann"})
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    with running(port, data):
        assert client(port).v1.customers.retrieve(customer.id).name == "Ann"


def test_a_busy_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-m", "sandbox", "--port", str(port), "--data", str(tmp_path / "x")],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert ended.returncode == 1
    assert f"Port {port} is in use" in ended.stderr

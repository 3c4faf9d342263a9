"""`bin/demo`: one command, everything it started ends with it, a second start keeps the data."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.demo_process import ROOT, Demo, descendants, free_ports

pytestmark = pytest.mark.loopback
JSON = {"Content-Type": "application/json"}


def running(pids: set[int]) -> set[int]:
    """Those that still run; one that ended and was not waited for yet does not."""
    return {pid for pid in pids if state(pid) not in {"gone", "Z"}}


def state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "gone"


def status(url: str) -> int:
    with urllib.request.urlopen(url) as answer:
        return answer.status


def move_time(sandbox: str, days: int) -> None:
    """Moves the sandbox's clock and waits until it is there."""
    body = json.dumps({"advance": days * 86_400}).encode()
    move = urllib.request.Request(f"{sandbox}/sandbox/clock", body, JSON)
    with urllib.request.urlopen(move) as answer:
        playing = json.load(answer)["playing"]
    while playing:
        with urllib.request.urlopen(f"{sandbox}/sandbox/clock") as answer:
            playing = json.load(answer)["playing"]


def test_it_starts_everything_ends_everything_and_keeps_its_data_until_told(tmp_path, monkeypatch):
    data, home = tmp_path / "data", tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)

    # Cut off while the company is made, it begins anew.
    cut = Demo(data, company="small", until="Living through")
    started = descendants(cut.process.pid)
    assert cut.stop(signal.SIGTERM) == 0
    assert running(started) == set()
    key = (data / "secret_key").read_text()

    demo = Demo(data)
    assert (data / "secret_key").read_text() != key
    assert status(f"{demo.portal}/readyz") == 200
    assert status(f"{demo.sandbox}/healthz") == 200
    for said in (demo.portal, "owner@demo.example", "demo-portal-2026", f"{demo.portal}/dev/mail"):
        assert said in demo.printed
    assert (data / "clock_offset").read_text() == "0\n"
    move_time(demo.sandbox, days=3)
    assert (data / "clock_offset").read_text() == f"{3 * 86_400}\n"
    started = descendants(demo.process.pid)
    assert len(started) >= 3
    assert demo.stop(signal.SIGTERM) == 0
    assert running(started) == set()

    kept = (data / "secret_key").read_text()
    again = Demo(data)
    assert (data / "secret_key").read_text() == kept
    assert (data / "clock_offset").read_text() == f"{3 * 86_400}\n"
    started = descendants(again.process.pid)
    assert again.stop(signal.SIGINT) == 0
    assert running(started) == set()

    fresh = Demo(data, "--fresh")
    assert (data / "secret_key").read_text() != kept
    assert (data / "clock_offset").read_text() == "0\n"
    assert fresh.stop() == 0
    assert not (home / ".gunicorn").exists()


@pytest.mark.parametrize("taken", [0, 1])
def test_a_busy_port_is_named_with_the_way_out(tmp_path, taken):
    port = free_ports()
    with socket.socket() as occupied:
        occupied.bind(("127.0.0.1", port + taken))
        occupied.listen()
        done = subprocess.run(
            [sys.executable, ROOT / "bin" / "demo", "--port", str(port), "--data", tmp_path],
            capture_output=True,
            text=True,
            env={k: v for k, v in os.environ.items() if k != "PORTAL_IN_VENV"},
            check=False,
        )
    assert done.returncode == 1
    assert f"Port {port + taken} cannot be used" in done.stderr
    assert "--port" in done.stderr

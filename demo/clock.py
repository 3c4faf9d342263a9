"""The sandbox by its own API over HTTP: its clock, and what its banks say."""

from __future__ import annotations

import time
from typing import Any

import requests

# Seconds between looks at a move that is being played, and for an answer.
LOOK, ANSWER = 0.002, 30
DAY = 86_400


class Clock:
    """Where the sandbox at an address stands in time, in unix seconds."""

    def __init__(self, sandbox: str) -> None:
        self._sandbox = sandbox.rstrip("/")
        self._address = f"{self._sandbox}/sandbox/clock"
        self._session = requests.Session()
        self._read(self._session.get(self._address, timeout=ANSWER))

    def now(self) -> int:
        return int(time.time()) + self.ahead

    def to(self, target: int) -> None:
        """Lives through the time up to `target`; nothing when that is past."""
        if target <= self.now():
            return
        playing = self._read(self._session.post(self._address, json={"to": target}, timeout=ANSWER))
        while playing:
            time.sleep(LOOK)
            playing = self._read(self._session.get(self._address, timeout=ANSWER))

    def tell(self, path: str, **words: str) -> None:
        """Sets what else the sandbox lets be chosen: the failure policy, a bank's answers."""
        address = f"{self._sandbox}{path}"
        self._session.post(address, json=words, timeout=ANSWER).raise_for_status()

    def _read(self, answer: requests.Response) -> Any:
        answer.raise_for_status()
        told = answer.json()
        if told["failure"]:
            raise RuntimeError(f"The sandbox could not go on: {told['failure']}")
        self.ahead: int = told["ahead"]
        return told["playing"]

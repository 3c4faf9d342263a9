"""A thread that works, sleeps until there is more to do or it is woken, and ends when told."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod


class Background(ABC):
    """Calls `work` again and again; `work` says how many seconds it can wait."""

    def __init__(self, name: str) -> None:
        self._woken = threading.Event()
        self.stopped = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    def work(self) -> float:
        """Do what there is to do; the seconds until the next look, unless woken."""

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Look for work now."""
        self._woken.set()

    def stop(self) -> None:
        self.stopped = True
        self._woken.set()
        self._thread.join(timeout=1)

    def _run(self) -> None:
        while not self.stopped:
            self._woken.clear()
            self._woken.wait(max(self.work(), 0.0))

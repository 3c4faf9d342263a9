"""Celery's file-system broker, whose messages appear whole.

kombu's own writes a message into a file that a worker may already be reading, and a worker that
reads half a message ends for good. Here each is written aside and then put in place.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from time import monotonic
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:
        # Workers take a queue's files in the order of their names.
        name = f"{round(monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        aside = Path(self.control_folder) / name
        aside.write_text(dumps(payload))
        os.replace(aside, Path(self.data_folder_out) / name)


class Transport(filesystem.Transport):
    Channel = Channel


def use() -> None:
    """Have `filesystem://` addresses mean this broker, in this process."""
    TRANSPORT_ALIASES["filesystem"] = f"{__name__}:Transport"

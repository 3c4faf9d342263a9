"""The one clock of the portal, so that a test, or a demo that lives through months, can set it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import current_app, has_app_context


def now() -> datetime:
    """The current moment for everything about billing, aware, in UTC.

    The machine's, moved by as many seconds as `CLOCK_OFFSET_FILE` says, where that is set.
    """
    return machine_now() + timedelta(seconds=_offset())


def machine_now() -> datetime:
    """The machine's own time, for what others sign or measure by it: a webhook's age."""
    return datetime.now(UTC)


def from_unix(seconds: int | None) -> datetime | None:
    """Stripe's whole seconds since 1970 as an aware UTC datetime; None stays None."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _offset() -> int:
    path: Path | None = (
        current_app.config["SETTINGS"].clock_offset_file if has_app_context() else None
    )
    try:
        return int(path.read_text()) if path is not None else 0
    except (FileNotFoundError, ValueError):
        # Nobody has moved the clock yet.
        return 0

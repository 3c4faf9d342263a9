"""Reads the folder that Flask-Mailman's file backend writes: one file a mail."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

# The backend names files by time and a random number; nothing else is opened.
NAME = re.compile(r"\d{8}-\d{6}-\d{1,16}")
SHOWN = 200


@dataclass(frozen=True)
class StoredMail:
    id: str
    to: str
    sender: str
    subject: str
    sent_at: datetime | None
    text: str
    html: str | None


def newest_first(folder: Path) -> Sequence[StoredMail]:
    """The latest mails, at most 200; none while the folder does not exist."""
    files = [f for f in folder.glob("*.log") if NAME.fullmatch(f.stem)] if folder.is_dir() else []
    files.sort(key=lambda f: (f.stat().st_mtime_ns, f.name), reverse=True)
    return [_parsed(file) for file in files[:SHOWN]]


def read(folder: Path, mail_id: str) -> StoredMail | None:
    """The mail of this id, or None for an id that names no mail in the folder."""
    file = folder / f"{mail_id}.log"
    if not NAME.fullmatch(mail_id) or not file.is_file():
        return None
    return _parsed(file)


def _parsed(file: Path) -> StoredMail:
    # The backend ends each message with a line of 79 dashes.
    raw = file.read_bytes().rstrip().removesuffix(b"-" * 79)
    message = message_from_bytes(raw, _class=EmailMessage, policy=policy.default)
    html = message.get_body(("html",))
    text = message.get_body(("plain",))
    date = message["Date"]
    return StoredMail(
        id=file.stem,
        to=str(message["To"] or ""),
        sender=str(message["From"] or ""),
        subject=str(message["Subject"] or "(no subject)"),
        sent_at=parsedate_to_datetime(str(date)) if date else None,
        text=text.get_content() if text else "",
        html=html.get_content() if html else None,
    )

"""One download from its first byte to its last, and the record by which a whole file is told.

An interrupted download shows in two ways. An error in the middle breaks the connection off, so
that the reader's program reports a failure. And when the last byte was handed over, the number of
rows, the size and the SHA-256 of the file are kept, and shown at `/finance/exports/<id>`.
"""

from __future__ import annotations

import hashlib
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, Response, current_app, request, url_for
from flask_login import current_user
from sqlalchemy import update

from billing import audit
from billing.clock import now
from billing.exports import csv_file, reading, xlsx_file
from billing.exports.csv_file import Options
from billing.exports.forms import ExportForm
from billing.exports.layouts import Layout
from billing.exports.selection import Selection
from models import ExportRun, db

PIECE = 65_536


def download(ending: str, form: Any, export: ExportForm) -> Response:
    """The rows that `form` selects as `export` lays them out, as a "csv" or "xlsx" file."""
    zone = form.period.zone
    run = _Run(export.layout, form.selection, ending)
    return _xlsx(run, zone) if ending == "xlsx" else _csv(run, zone, export.options)


def _csv(run: _Run, zone: ZoneInfo, options: Options) -> Response:
    """Streamed as the rows are read."""
    settings = current_app.config["SETTINGS"]
    found = reading.texts(run.found(), run.layout, zone, settings, options)
    return run.response(csv_file.pieces(run.layout.headings, found, options), csv_file.MIME)


def _xlsx(run: _Run, zone: ZoneInfo) -> Response:
    """Whole before its first byte is sent, so that its length is known to the reader."""
    folder = run.closing.enter_context(tempfile.TemporaryDirectory(prefix="export-"))
    path = Path(folder) / "book.xlsx"
    try:
        xlsx_file.write(path, run.found(), run.layout, zone, current_app.config["SETTINGS"])
    except BaseException:
        run.end("failed")
        raise
    run.reading.close()
    answer = run.response(_pieces_of(path), xlsx_file.MIME)
    answer.content_length = path.stat().st_size
    return answer


def _pieces_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


class _Run:
    """A download under way. `closing` lets go of what it holds, `reading` of the database."""

    def __init__(self, layout: Layout, selection: Selection, ending: str):
        self._app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        self.layout, self._selection = layout, selection
        self.closing = ExitStack()
        self.reading = self.closing.enter_context(ExitStack())
        self._connection = self.reading.enter_context(reading.snapshot())
        self._rows = self._size = 0
        self._hash = hashlib.sha256()
        self._ended = False
        self.id = secrets.token_urlsafe(12)
        self.file_name = f"{layout.key.replace('_', '-')}-{now():%Y-%m-%d}.{ending}"
        self.expected = reading.count(self._connection, layout, selection)
        self._record()

    def _record(self) -> None:
        db.session.add(
            ExportRun(
                id=self.id,
                rows_of=self.layout.rows.key,
                layout=self.layout.name,
                file_name=self.file_name,
                search=request.query_string.decode(errors="replace"),
                user_id=current_user.id,
                started_at=now(),
                rows_expected=self.expected,
            )
        )
        audit.record(
            "export.downloaded",
            self.id,
            after={**request.args.to_dict(), "file": self.file_name, "rows": self.expected},
        )
        db.session.commit()

    def found(self) -> Iterator[Any]:
        for row in reading.rows(self._connection, self.layout, self._selection):
            self._rows += 1
            yield row

    def response(self, pieces: Iterator[bytes], mime: str) -> Response:
        answer = Response(self._counted(pieces), content_type=mime)
        answer.headers["Content-Disposition"] = f'attachment; filename="{self.file_name}"'
        answer.headers["X-Row-Count"] = str(self.expected)
        answer.headers["X-Export-Id"] = self.id
        answer.headers["Link"] = (
            f'<{url_for("finance_exports.show", run_id=self.id)}>; rel="describedby"'
        )
        answer.headers["Cache-Control"] = "no-store"
        # Held back by no proxy: nginx sends what it gets.
        answer.headers["X-Accel-Buffering"] = "no"
        # Also when nothing was read: the reader left, or asked for the headers alone.
        answer.call_on_close(lambda: self.end("interrupted"))
        return answer

    def _counted(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        try:
            for piece in pieces:
                self._size += len(piece)
                self._hash.update(piece)
                yield piece
        except Exception:
            self.end("failed")
            # The server breaks the connection off: a file that ends here must not look whole.
            raise
        self.end("complete" if self._rows == self.expected else "failed")

    def end(self, status: str) -> None:
        """Lets go of everything and keeps how it ended; the first to say so counts."""
        if self._ended:
            return
        self._ended = True
        self.closing.close()
        whole = status == "complete"
        change = update(ExportRun).where(ExportRun.id == self.id)
        with self._app.app_context(), db.engine.begin() as connection:
            connection.execute(
                change.values(
                    status=status,
                    finished_at=now(),
                    rows=self._rows,
                    size=self._size if whole else None,
                    sha256=self._hash.hexdigest() if whole else None,
                )
            )

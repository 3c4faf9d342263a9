"""CSV as RFC 4180 has it: UTF-8, CRLF, quotes where they are needed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

# Pieces of about this many characters are handed over, so that the first comes at once.
PIECE = 32_768
BOM = "\ufeff"
MIME = "text/csv; charset=utf-8"
DATES = {"iso": "%Y-%m-%d", "dmy": "%d/%m/%Y", "mdy": "%m/%d/%Y"}


@dataclass(frozen=True)
class Options:
    """How the file is written; a byte order mark tells Excel that it is UTF-8."""

    separator: str = ","
    bom: bool = False
    dates: str = "iso"


def pieces(
    headings: Sequence[str], rows: Iterable[Sequence[str]], options: Options | None = None
) -> Iterator[bytes]:
    """The file in pieces, the heading first; `rows` are read as the pieces are taken."""
    options = options or Options()
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=options.separator)
    if options.bom:
        buffer.write(BOM)
    writer.writerow(headings)
    # At once, so that a reader sees the download begin however long the rows take.
    yield _emptied(buffer)
    for row in rows:
        writer.writerow(row)
        if buffer.tell() > PIECE:
            yield _emptied(buffer)
    if buffer.tell():
        yield _emptied(buffer)


def _emptied(buffer: io.StringIO) -> bytes:
    piece = buffer.getvalue().encode()
    buffer.seek(0)
    buffer.truncate()
    return piece

"""The databases the suite runs on: SQLite, or PostgreSQL when `TEST_DATABASE=postgresql`.

Each can be emptied, and put back as it was once before, quicker than it could be made anew.
"""

from __future__ import annotations

import os
import sqlite3
import uuid
from importlib import import_module
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from models import db

POSTGRES = "postgresql+psycopg://postgres@127.0.0.1:5432"


def chosen() -> str:
    """ "sqlite" or "postgresql", as the environment says."""
    return os.environ.get("TEST_DATABASE", "sqlite")


class SqliteFile:
    """One file, emptied by writing back its first bytes."""

    def __init__(self, folder: Path):
        self.path = folder / "portal.sqlite3"
        self.url = f"sqlite:///{self.path}"
        self._empty = b""

    def prepare(self) -> None:
        """Makes the tables. Needs the application's context, as `keep` and `put_back` do."""
        db.create_all()
        db.engine.dispose()
        self._empty = self.path.read_bytes()

    def forget(self) -> None:
        """Closes every connection, and removes the file with the log and its index beside it."""
        db.engine.dispose()
        for beside in ("", "-wal", "-shm"):
            Path(f"{self.path}{beside}").unlink(missing_ok=True)

    def empty(self) -> None:
        self.forget()
        self.path.write_bytes(self._empty)

    def keep(self) -> bytes:
        """Everything in it, for `put_back`."""
        db.engine.dispose()
        connection = sqlite3.connect(self.path)
        # A file that keeps a log beside it cannot be opened from memory.
        connection.execute("PRAGMA journal_mode=DELETE")
        kept = connection.serialize()
        connection.close()
        return kept

    def put_back(self, kept: bytes) -> None:
        self.forget()
        self.path.write_bytes(kept)

    def drop(self) -> None:
        """Its folder goes with the suite's others."""


class PostgresDatabase:
    """A database of its own on the server of this machine, dropped at the end."""

    def __init__(self) -> None:
        self.name = f"portal_{uuid.uuid4().hex}"
        self.url = f"{POSTGRES}/{self.name}"
        self._server(f"CREATE DATABASE {self.name}")
        # Nobody needs what a test wrote after the machine went down.
        self._server(f"ALTER DATABASE {self.name} SET synchronous_commit TO off")

    def _server(self, statement: str) -> None:
        psycopg = import_module("psycopg")
        with psycopg.connect(
            "host=127.0.0.1 user=postgres dbname=test connect_timeout=2", autocommit=True
        ) as server:
            server.execute(statement)

    def prepare(self) -> None:
        db.create_all()

    def forget(self) -> None:
        """Nothing lies about: the tables are emptied when they are used next."""

    def empty(self) -> None:
        empty_of_rows()

    def keep(self) -> dict[sa.Table, list[dict[str, Any]]]:
        with db.engine.connect() as connection:
            return {
                table: [dict(row) for row in connection.execute(sa.select(table)).mappings()]
                for table in _used(connection)
            }

    def put_back(self, kept: dict[sa.Table, list[dict[str, Any]]]) -> None:
        self.empty()
        with db.engine.begin() as connection:
            for table, rows in kept.items():
                connection.execute(sa.insert(table), rows)
                _count_on(connection, table)

    def drop(self) -> None:
        self._server(f"DROP DATABASE {self.name} WITH (FORCE)")


Database = SqliteFile | PostgresDatabase


def empty_of_rows() -> None:
    """Removes what is in the tables of the application's database; numbering begins anew."""
    with db.engine.begin() as connection:
        used = _used(connection)
        if used and connection.dialect.name == "postgresql":
            # Quicker than TRUNCATE for a few rows; no order of the tables is needed so.
            connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        for table in reversed(used):
            connection.execute(sa.delete(table))
            _count_on(connection, table)


def _used(connection: sa.Connection) -> list[sa.Table]:
    """The tables that hold rows, each after those it refers to."""
    tables = db.metadata.sorted_tables
    asked = (
        sa.select(sa.literal(position)).where(sa.exists(sa.select(1).select_from(table)))
        for position, table in enumerate(tables)
    )
    return [tables[position] for position in sorted(connection.scalars(sa.union_all(*asked)))]


def _count_on(connection: sa.Connection, table: sa.Table) -> None:
    """Numbers its next row after the last, from 1 in an empty table."""
    if connection.dialect.name != "postgresql":
        return
    if "id" in table.c and isinstance(table.c.id.type, sa.Integer):
        following = sa.func.coalesce(sa.func.max(table.c.id), 0) + 1
        sequence = sa.func.pg_get_serial_sequence(table.name, "id")
        connection.execute(sa.select(sa.func.setval(sequence, following, False)).select_from(table))


def rows_in_portal() -> int:
    """How many rows all tables of the portal hold."""
    with db.engine.connect() as connection:
        return sum(
            connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in db.metadata.sorted_tables
        )

"""Documents in one SQLite file: one transaction per request, under one process-wide lock.

A document is a dict shaped as Stripe's JSON, nested objects kept as ids. Keys that start with "_"
are private: stored, never rendered. `store` is a proxy to the transaction of the current request.
"""

from __future__ import annotations

import secrets
import sqlite3
import string
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, cast

import orjson

from sandbox import clock
from sandbox.errors import ApiError, missing
from sandbox.query import index_text, query

BASE62 = string.digits + string.ascii_letters
# A byte's character. The first eight come a little more often, which leaves ids unguessable.
_TO_BASE62 = bytes(ord(BASE62[byte % 62]) for byte in range(256))

# Top-level fields with an index of their own; private scalar fields are indexed as well.
INDEXED = frozenset(
    [
        *("active", "code", "currency", "domain_name", "email", "enabled", "is_default"),
        *("lookup_key", "status", "type"),
        *("charge", "checkout_session", "coupon", "credit_note", "customer", "invoice"),
        *("default_payment_method", "default_price", "latest_charge", "latest_invoice"),
        *("payment_intent", "payment_method", "price", "product", "promotion_code", "schedule"),
        *("setup_intent", "subscription", "subscription_item"),
    ]
)
# Fields that sit deeper in the object but are looked up like the ones above.
DEEP = {
    "invoice": {"subscription": "parent.subscription_details.subscription"},
    "invoiceitem": {"subscription": "parent.subscription_details.subscription"},
    "invoice_payment": {"payment_intent": "payment.payment_intent"},
    "promotion_code": {"coupon": "promotion.coupon"},
    "discount": {"coupon": "source.coupon"},
    "subscription_item": {"price": "price.id"},
}
# How much of each sort a transaction keeps at hand.
MOST_KNOWN = 2000
# What else is due at other times once a document changed: the field that names it, and its kind.
BEARS_ON = {
    "subscription_item": ("subscription", "subscription"),
    "subscription": ("schedule", "subscription_schedule"),
}
# Kinds that Stripe still answers for once deleted.
TOMBSTONES = frozenset({"customer", "product"})

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL,
    created INTEGER NOT NULL, deleted INTEGER NOT NULL DEFAULT 0, doc TEXT NOT NULL,
    clock TEXT NOT NULL DEFAULT '', UNIQUE (kind, id));
CREATE INDEX IF NOT EXISTS objects_listed ON objects (kind, deleted, created, seq);
CREATE TABLE IF NOT EXISTS fields (
    kind TEXT NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL,
    created INTEGER NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (kind, field, value, created, seq)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS fields_of ON fields (seq);
CREATE TABLE IF NOT EXISTS due (
    seq INTEGER NOT NULL, rank INTEGER NOT NULL, clock TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (seq, rank)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS due_next ON due (clock, at, rank, seq);
CREATE TABLE IF NOT EXISTS moves (
    clock TEXT PRIMARY KEY, begun INTEGER NOT NULL, target INTEGER NOT NULL,
    steps INTEGER NOT NULL, about INTEGER NOT NULL, failure TEXT);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS idempotency (
    key TEXT PRIMARY KEY, path TEXT NOT NULL, fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL, body TEXT NOT NULL, created INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (
    event TEXT NOT NULL, endpoint TEXT NOT NULL, state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, next_at REAL NOT NULL,
    PRIMARY KEY (event, endpoint));
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (state, next_at);
CREATE TABLE IF NOT EXISTS attempts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, endpoint TEXT NOT NULL,
    attempt INTEGER NOT NULL, status INTEGER, response TEXT NOT NULL, at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS attempts_of ON attempts (event, endpoint);
"""


def new_id(prefix: str, length: int = 24) -> str:
    """A fresh id as Stripe makes them: "sub_" + 24 characters of base62."""
    return f"{prefix}_{random_text(length)}"


def random_text(length: int) -> str:
    """`length` unguessable characters of base62, for ids, codes and secrets."""
    return secrets.token_bytes(length).translate(_TO_BASE62).decode()


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"{value!r} does not belong into a document")


def to_json(value: Any) -> str:
    """JSON text, decimals as strings as Stripe sends them."""
    return orjson.dumps(value, default=_plain).decode()


def dig(doc: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, None when any step is missing or null."""
    here: Any = doc
    for name in path.split("."):
        if not isinstance(here, Mapping):
            return None
        here = here.get(name)
    return here


class Moment(NamedTuple):
    """Something that is due for a document: when, in unix seconds, and its rank among what is due
    at the same time."""

    at: int
    rank: int
    kind: str
    id: str


# What is due for a document, as pairs of a rank and a unix second.
Agenda = Callable[[dict[str, Any]], Iterable[tuple[int, int]]]
_agendas: dict[str, Agenda] = {}


def agenda(kind: str, function: Agenda) -> None:
    """Keep what is due for documents of a kind indexed by its time, as `function` tells it."""
    _agendas[kind] = function


Rows = set[tuple[str, str]]


class Known:
    """What a transaction has read or written, so that it need not be read again: documents' texts
    by kind and id, the texts that a list found, by kind, and index rows by a document's place."""

    def __init__(self) -> None:
        self.texts: dict[tuple[str, str], str] = {}
        self.lists: dict[str, dict[Any, list[str]]] = {}
        self.rows: dict[int, Rows] = {}

    def note(self, kept: dict[Any, Any], key: Any, value: Any) -> None:
        """Keep a value; all of them are forgotten when there are too many."""
        if len(kept) >= MOST_KNOWN:
            kept.clear()
        kept[key] = value

    def clear(self) -> None:
        for kept in (self.texts, self.lists, self.rows):
            kept.clear()


class Transaction:
    """What a request may do with the documents."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.sql = connection.execute
        self._many = connection.executemany
        self._touched: dict[tuple[str, str], None] = {}
        self._points = 0
        self._known = Known()

    def find(self, kind: str, id: str) -> dict[str, Any] | None:
        text = self._known.texts.get((kind, id))
        if text is None:
            row = self.sql(
                "SELECT doc FROM objects WHERE kind = ? AND id = ? AND deleted = 0", (kind, id)
            ).fetchone()
            if row is None:
                return None
            text = row[0]
            self._known.note(self._known.texts, (kind, id), text)
        return orjson.loads(text)

    def get(self, kind: str, id: str, param: str = "id") -> dict[str, Any]:
        """The document; ApiError resource_missing (404) naming `param` when there is none."""
        doc = self.find(kind, id)
        if doc is None:
            raise missing(kind, id, param)
        return doc

    def need(self, kind: str, id: str, param: str) -> dict[str, Any]:
        """As `get`, for an id given as a parameter: Stripe then answers 400."""
        doc = self.find(kind, id)
        if doc is None:
            raise missing(kind, id, param, status=400)
        return doc

    def retrieve(self, kind: str, id: str, param: str = "id") -> dict[str, Any]:
        """As `get`, or {id, object, deleted: true} for kinds that leave a tombstone."""
        return self.tombstone(kind, id) or self.get(kind, id, param)

    def tombstone(self, kind: str, id: str) -> dict[str, Any] | None:
        if kind not in TOMBSTONES:
            return None
        row = self.sql(
            "SELECT 1 FROM objects WHERE kind = ? AND id = ? AND deleted = 1", (kind, id)
        ).fetchone()
        return {"id": id, "object": kind, "deleted": True} if row else None

    def all(self, kind: str, **equal: Any) -> list[dict[str, Any]]:
        """Every document of a kind whose fields equal the given ones, oldest first."""
        if not all(isinstance(value, str | int | None) for value in equal.values()):
            return list(self.scan(kind, equal, newest_first=False))
        found = self._known.lists.setdefault(kind, {})
        asked = tuple(equal.items())
        if asked not in found:
            sql, values = self.selection(kind, equal, newest_first=False)
            self._known.note(found, asked, [text for (text,) in self.sql(sql, values)])
        return [orjson.loads(text) for text in found[asked]]

    def scan(
        self,
        kind: str,
        equal: Mapping[str, Any],
        *,
        newest_first: bool,
        after: tuple[int, int] | None = None,
        created: Mapping[str, int] | None = None,
        limit: int = -1,
    ) -> Iterator[dict[str, Any]]:
        """Documents in order of creation, starting behind `after` (see `position`).

        A list as a value means any of its members. `created` maps gt, gte, lt, lte to seconds.
        Read to the end before writing: what is written meanwhile may or may not be seen.
        """
        sql, values = self.selection(
            kind, equal, newest_first=newest_first, after=after, created=created, limit=limit
        )
        for (doc,) in self.sql(sql, values):
            yield orjson.loads(doc)

    def latest(self, kind: str, limit: int) -> list[dict[str, Any]]:
        """The documents stored last, newest first, whatever time they are of."""
        # The plus keeps the index by time away: from the end there are soon enough of them.
        rows = self.sql(
            "SELECT doc FROM objects WHERE +kind = ? AND deleted = 0 ORDER BY seq DESC LIMIT ?",
            (kind, limit),
        )
        return [orjson.loads(doc) for (doc,) in rows]

    def selection(
        self, kind: str, equal: Mapping[str, Any], **options: Any
    ) -> tuple[str, list[Any]]:
        """The SQL of `scan`, and its values."""
        indexed = {name for name in equal if _is_indexed(kind, name)}
        return query(kind, equal, indexed, **options)

    def position(self, kind: str, id: str) -> tuple[int, int] | None:
        """Where a document stands in its kind's order of creation."""
        return self.sql(
            "SELECT created, seq FROM objects WHERE kind = ? AND id = ?", (kind, id)
        ).fetchone()

    def count(self, kind: str) -> int:
        return self.sql(
            "SELECT count(*) FROM objects WHERE kind = ? AND deleted = 0", (kind,)
        ).fetchone()[0]

    def kinds(self) -> list[tuple[str, int]]:
        """Every kind that has documents, with how many, by name."""
        return self.sql(
            "SELECT kind, count(*) FROM objects WHERE deleted = 0 GROUP BY kind ORDER BY kind"
        ).fetchall()

    def insert(self, kind: str, doc: dict[str, Any]) -> dict[str, Any]:
        """Store a new document, on the clock that the time is taken from; ApiError
        resource_already_exists when the id is taken."""
        created, text = doc.get("created") or clock.now(), to_json(doc)
        row = (kind, doc["id"], created, text, clock.name())
        sql = "INSERT INTO objects (kind, id, created, doc, clock) VALUES (?, ?, ?, ?, ?)"
        try:
            seq = self.sql(sql, row).lastrowid
        except sqlite3.IntegrityError:
            if self.find(kind, doc["id"]) is not None:
                raise ApiError(
                    400,
                    f"{kind.replace('_', ' ').capitalize()} already exists.",
                    code="resource_already_exists",
                ) from None
            # It takes the place of its own tombstone.
            self.sql("DELETE FROM objects WHERE kind = ? AND id = ?", row[:2])
            seq = self.sql(sql, row).lastrowid
        rows = _index_rows(kind, doc)
        self._index(rows, kind, created, seq)
        if kind != "event":
            self._know(kind, doc["id"], text, seq, rows)
        self.touch(kind, doc)
        return doc

    def save(self, doc: dict[str, Any]) -> dict[str, Any]:
        """Write a changed document back."""
        kind, text = doc["object"], to_json(doc)
        found = self.sql(
            "UPDATE objects SET doc = ? WHERE kind = ? AND id = ? RETURNING created, seq",
            (text, kind, doc["id"]),
        ).fetchall()
        if not found:
            raise missing(kind, doc["id"])
        created, seq = found[0]
        had = self._known.rows.get(seq)
        if had is None:
            had = set(self.sql("SELECT field, value FROM fields WHERE seq = ?", (seq,)))
        has = _index_rows(kind, doc)
        if had != has:
            for name, value in had - has:
                self.sql(
                    "DELETE FROM fields WHERE kind = ? AND field = ? AND value = ? AND created = ?"
                    " AND seq = ?",
                    (kind, name, value, created, seq),
                )
            self._index(has - had, kind, created, seq)
        self._know(kind, doc["id"], text, seq, has)
        self.touch(kind, doc)
        return doc

    def delete(self, doc: dict[str, Any]) -> None:
        """Remove a document; customers and products leave a tombstone."""
        kind, id = doc["object"], doc["id"]
        self.sql(
            "DELETE FROM fields WHERE seq IN (SELECT seq FROM objects WHERE kind = ? AND id = ?)",
            (kind, id),
        )
        self.sql("UPDATE objects SET deleted = 1 WHERE kind = ? AND id = ?", (kind, id))
        self._known.clear()
        self.touch(kind, doc)

    def _know(self, kind: str, id: str, text: str, seq: int, rows: Rows) -> None:
        self._known.note(self._known.texts, (kind, id), text)
        self._known.note(self._known.rows, seq, rows)
        self._known.lists.pop(kind, None)

    def touch(self, kind: str, doc: Mapping[str, Any]) -> None:
        """Look anew, before it is next asked, at what is due for a document and whatever hangs on
        it."""
        if kind in _agendas:
            self._touched[kind, doc["id"]] = None
        field, other = BEARS_ON.get(kind, ("", ""))
        if doc.get(field):
            self._touched[other, doc[field]] = None

    def plan(self) -> None:
        """Bring the index of what is due up to date with the documents."""
        while self._touched:
            kind, id = next(iter(self._touched))
            del self._touched[kind, id]
            row = self.sql(
                "SELECT seq, clock, deleted, doc FROM objects WHERE kind = ? AND id = ?", (kind, id)
            ).fetchone()
            if row is None or kind not in _agendas:
                continue
            seq, name, deleted, text = row
            has = {}
            if not deleted:
                doc = orjson.loads(text)
                has = dict(_agendas[kind](doc))
                field, other = BEARS_ON.get(kind, ("", ""))
                if doc.get(field):
                    self._touched[other, doc[field]] = None
            had = dict(self.sql("SELECT rank, at FROM due WHERE seq = ?", (seq,)).fetchall())
            if had != has:
                self.sql("DELETE FROM due WHERE seq = ?", (seq,))
                rows = [(seq, rank, name, at) for rank, at in has.items()]
                self._many("INSERT INTO due (seq, rank, clock, at) VALUES (?, ?, ?, ?)", rows)

    def plan_all(self) -> None:
        """Make the index of what is due anew."""
        self.sql("DELETE FROM due")
        for kind in _agendas:
            ids = self.sql("SELECT id FROM objects WHERE kind = ? AND deleted = 0", (kind,))
            self._touched |= {(kind, id): None for (id,) in ids}
        self.plan()

    def due(self, name: str, until: int, limit: int = 1) -> list[Moment]:
        """What is due next on a clock, up to a unix second and in its order, at most `limit`."""
        self.plan()
        rows = self.sql(
            "SELECT d.at, d.rank, o.kind, o.id FROM due d JOIN objects o ON o.seq = d.seq"
            " WHERE d.clock = ? AND d.at <= ? ORDER BY d.at, d.rank, d.seq LIMIT ?",
            (name, until, limit),
        )
        return [Moment(*row) for row in rows]

    def clock_of(self, ids: Iterable[str]) -> str:
        """The clock that an object with one of these ids is on; "" for the sandbox's own."""
        wanted = list(ids)
        marks = ", ".join("?" * len(wanted))
        row = self.sql(
            f"SELECT max(clock) FROM objects WHERE clock <> '' AND id IN ({marks})",  # noqa: S608
            wanted,
        ).fetchone()
        return row[0] or ""

    def on_clock(self, kind: str, name: str) -> list[dict[str, Any]]:
        """Every document of a kind that is on a clock, oldest first."""
        rows = self.sql(
            "SELECT doc FROM objects WHERE kind = ? AND deleted = 0 AND clock = ? ORDER BY seq",
            (kind, name),
        )
        return [orjson.loads(doc) for (doc,) in rows]

    def named_by(self, field: str, id: str) -> list[tuple[str, str]]:
        """Kind and id of every document whose `field` is `id`."""
        rows = self.sql(
            "SELECT DISTINCT o.kind, o.id FROM fields f JOIN objects o ON o.seq = f.seq"
            " WHERE f.field = ? AND f.value = ?",
            (field, id),
        )
        return list(rows)

    def move_to_clock(self, name: str, documents: Iterable[tuple[str, str]]) -> None:
        """Put documents, by kind and id, on a clock for good."""
        for kind, id in documents:
            doc = self.get(kind, id)
            if "test_clock" in doc:
                doc["test_clock"] = name
            where = (kind, id)
            self.sql("UPDATE objects SET clock = ? WHERE kind = ? AND id = ?", (name, *where))
            # What is due is planned anew, now on that clock.
            self.sql(
                "DELETE FROM due WHERE seq = (SELECT seq FROM objects WHERE kind = ? AND id = ?)",
                where,
            )
            self.save(doc)

    def clear_clock(self, name: str) -> None:
        """Remove everything that is on a test clock, but for events and the tombstones of its
        customers."""
        self.sql("DELETE FROM due WHERE clock = ?", (name,))
        gone = "FROM objects WHERE clock = ? AND kind NOT IN ('event', 'customer')"
        self.sql(f"DELETE FROM fields WHERE seq IN (SELECT seq {gone})", (name,))  # noqa: S608
        self.sql(f"DELETE {gone}", (name,))
        self._known.clear()

    def setting(self, name: str, default: str | None = None) -> str | None:
        row = self.sql("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return row[0] if row else default

    def set_setting(self, name: str, value: str) -> None:
        self.sql("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", (name, value))

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what the block wrote when it raises, except an ApiError that says `keep`."""
        self._points += 1
        name = f"point_{self._points}"
        touched = dict(self._touched)
        self.sql(f"SAVEPOINT {name}")
        try:
            yield
        except BaseException as error:
            if not (isinstance(error, ApiError) and error.keep):
                self.sql(f"ROLLBACK TO {name}")
                # What was planned and indexed inside is undone too.
                self._touched |= touched
                self._known.clear()
            self.sql(f"RELEASE {name}")
            raise
        self.sql(f"RELEASE {name}")

    def _index(
        self, rows: Iterable[tuple[str, str]], kind: str, created: int, seq: int | None
    ) -> None:
        self._many(
            "INSERT OR IGNORE INTO fields VALUES (?, ?, ?, ?, ?)",
            [(kind, name, value, created, seq) for name, value in rows],
        )


def _index_rows(kind: str, doc: Mapping[str, Any]) -> set[tuple[str, str]]:
    """The fields a document is found by, with their values."""
    found = {name: doc[name] for name in INDEXED if name in doc}
    for name in doc:
        if name[0] == "_" and isinstance(doc[name], str | int):
            found[name] = doc[name]
    for name, path in DEEP.get(kind, {}).items():
        found[name] = dig(doc, path)
    rows = set()
    for name, value in found.items():
        if isinstance(value, dict):
            value = value.get("id")
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str | int):
                rows.add((name, index_text(one)))
    return rows


def _is_indexed(kind: str, name: str) -> bool:
    return name in INDEXED or name[0] == "_" or name in DEEP.get(kind, ())


class Storage:
    """The SQLite file and the lock that makes its transactions follow one another."""

    def __init__(self, database: str = ":memory:") -> None:
        if database != ":memory:":
            Path(database).parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(database, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute("PRAGMA cache_size = -65536")
        self._connection.execute("PRAGMA wal_autocheckpoint = 16000")
        self._connection.execute("PRAGMA mmap_size = 134217728")
        self._connection.executescript(SCHEMA)
        columns = self._connection.execute("PRAGMA table_info(objects)")
        if "clock" not in {name for _, name, *_ in columns}:
            # A file from before there were test clocks.
            self._connection.execute(
                "ALTER TABLE objects ADD COLUMN clock TEXT NOT NULL DEFAULT ''"
            )
        self._connection.execute(
            "CREATE INDEX IF NOT EXISTS objects_on_clock ON objects (id) WHERE clock <> ''"
        )
        self._lock = threading.RLock()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Let no other thread begin a transaction until the block ends."""
        with self._lock:
            yield

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Run a block with `store` bound to one transaction; undone when the block raises."""
        # The connection's own block commits, or rolls back when the block inside raises.
        with self._lock, self._connection:
            self._connection.execute("BEGIN")
            current = Transaction(self._connection)
            token = _current.set(current)
            try:
                yield current
                current.plan()
            finally:
                _current.reset(token)

    def close(self) -> None:
        with self._lock:
            self._connection.close()


_current: ContextVar[Transaction] = ContextVar("sandbox_transaction")


class _Store:
    """Stands for the current request's transaction."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_current.get(), name)


store: Transaction = cast(Transaction, _Store())

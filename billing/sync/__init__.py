"""The one door into the mirror: what Stripe says now, written only over what was read before.

`pull` reads a row's version, fetches the object from Stripe at the pinned API version, and writes
only if the row still has that version; otherwise somebody else wrote in between, and it fetches
again. So the last write always comes from the newest fetch, without a lock, on every database.
No transaction is open while Stripe answers. Whatever the caller has not committed yet is
committed first: facts come before the call to Stripe.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.attributes import flag_modified
from sqlalchemy.orm.exc import StaleDataError

from billing.clock import from_unix, now
from billing.errors import GoneFromStripe, StripeBusy, StripeUnavailable
from billing.gateway.as_json import as_json
from billing.sync.fields import Data, References
from billing.sync.kinds import KINDS, Children, Kind
from models import db

# Each lost race means that another pull won, so this many rivals would have to win in a row.
TRIES = 12


@dataclass(frozen=True)
class Written:
    """A write into the mirror, told to observers before it is committed.

    `before` holds the columns' values as they were, the whole object (`data`) among them, and is
    empty for a row that is new. In a backfill (`in_bulk`) rows tell of what may be long past.
    """

    kind: str
    row: Any
    before: dict[str, Any]
    in_bulk: bool

    @property
    def is_new(self) -> bool:
        return not self.before


Observer = Callable[[Written], None]
_observers: list[Observer] = []


def observer(function: Observer) -> Observer:
    """Registers what is told of each write, inside its transaction: effects stand if it does.

    It may add rows and must neither commit nor call Stripe.
    """
    _observers.append(function)
    return function


class Overtaken(Exception):
    """The row was written after its version was read, so what was fetched may be older."""


def pull(kind: str, stripe_id: str, *, in_bulk: bool = False) -> Any:
    """The mirrored row of one object, as Stripe has it now, committed.

    `kind` is Stripe's name of the object ("customer", "invoice", ...). What the row refers to is
    pulled when it is missing. A deleted object leaves its last known row with `deleted_at` set,
    which nothing lifts; one that was never known leaves an empty row that says the same.
    `in_bulk` tells observers that this is part of a backfill.
    Raises StripeUnavailable or StripeMisconfigured when Stripe could not be asked.
    """
    row, data = _pull_alone(KINDS[kind], stripe_id, in_bulk=in_bulk)
    if data is None:
        _pull_what_ended(KINDS[kind], stripe_id, in_bulk=in_bulk)
    else:
        _pull_missing(KINDS[kind].refers_to(data), in_bulk=in_bulk)
    return row


def pull_page(kind: str, fetch: Callable[[], Any]) -> Any:
    """Writes a page of Stripe's list, `fetch()`, into the mirror; returns the page.

    Versions must be read before the objects are fetched, but the page itself tells which objects
    it holds. So a page with known objects is fetched again after their versions were read. An
    object unknown even now was unknown at the fetch, because rows are never removed.
    """
    db.session.commit()
    page = fetch()
    known = versions(kind, [each["id"] for each in page.data])
    if known:
        page = fetch()
    references: References = []
    for found in page.data:
        data = as_json(found)
        try:
            _write(KINDS[kind], data["id"], known.get(data["id"]), data, in_bulk=True)
        except Overtaken:
            _, data = _pull_alone(KINDS[kind], data["id"], in_bulk=True)
        references.extend(KINDS[kind].refers_to(data) if data else [])
    _pull_missing(references, in_bulk=True)
    return page


def versions(kind: str, ids: list[str]) -> dict[str, int]:
    """The versions of those rows the mirror holds, tombstones too, by id. Ends the transaction."""
    model = KINDS[kind].model
    found = db.session.execute(
        sa.select(model.stripe_id, model.version).where(model.stripe_id.in_(ids))
    ).all()
    db.session.commit()
    return dict(found)


def _pull_missing(references: References, *, in_bulk: bool) -> None:
    """Pulls what is referred to and not held yet. Ends, because each pull writes before it asks."""
    wanted: dict[str, list[str]] = {}
    for kind, stripe_id in dict.fromkeys(references):
        if stripe_id is not None:
            wanted.setdefault(kind, []).append(stripe_id)
    for kind, ids in wanted.items():
        known = versions(kind, ids)
        for stripe_id in ids:
            if stripe_id not in known:
                pull(kind, stripe_id, in_bulk=in_bulk)


def _pull_alone(kind: Kind, stripe_id: str, *, in_bulk: bool) -> tuple[Any, Data | None]:
    """The row and what was written into it; None for a tombstone."""
    for _ in range(TRIES):
        db.session.commit()
        row = db.session.get(kind.model, stripe_id, populate_existing=True)
        version = None if row is None else row.version
        if row is not None and row.deleted_at is not None:
            return row, None
        db.session.commit()
        data = _fetch(kind, stripe_id)
        try:
            return _write(kind, stripe_id, version, data, in_bulk=in_bulk), data
        except Overtaken:
            continue
    raise StripeUnavailable


def _fetch(kind: Kind, stripe_id: str) -> Data | None:
    """The object's JSON, with its nested lists whole; None when Stripe has it no more."""
    try:
        data: Data = as_json(kind.gateway.retrieve(stripe_id))
    except GoneFromStripe:
        return None
    except StripeBusy as error:
        # A pull mostly follows a write, so "nothing was changed" is not for it to say.
        raise StripeUnavailable from error
    return None if data.get("deleted") else data


def _write(
    kind: Kind, stripe_id: str, version: int | None, data: Data | None, *, in_bulk: bool
) -> Any:
    """Writes what was fetched (None: a tombstone) over the given version; raises Overtaken."""
    session = db.session
    row = session.get(kind.model, stripe_id, populate_existing=True)
    if (None if row is None else row.version) != version:
        session.rollback()
        raise Overtaken
    before = _values(row)
    try:
        with session.no_autoflush:
            if row is None:
                row = kind.model(stripe_id=stripe_id)
                session.add(row)
            if data is None:
                _bury(row, stripe_id)
            elif row.deleted_at is None:
                _fill(kind, row, data)
        _tell(Written(kind.name, row, before, in_bulk))
        session.commit()
    except StaleDataError:
        session.rollback()
        raise Overtaken from None
    except IntegrityError:
        session.rollback()
        if version is None and session.get(kind.model, stripe_id) is not None:
            raise Overtaken from None
        raise
    return row


def _values(row: Any) -> dict[str, Any]:
    """The columns of a row as they are; nothing for no row."""
    if row is None:
        return {}
    return {column.key: getattr(row, column.key) for column in sa.inspect(row).mapper.column_attrs}


def _tell(written: Written) -> None:
    # What the observers look up must see this write.
    db.session.flush()
    for each in _observers:
        each(written)


def _fill(kind: Kind, row: Any, data: Data) -> None:
    row.data = data
    row.livemode = data.get("livemode", False)
    row.created = from_unix(data.get("created"))
    row.pulled_at = now()
    _set_columns(row, kind.columns(data))
    if kind.children is not None:
        _fill_children(kind.children, row, data)
    # A pull that found nothing new still counts as a write: without a new version, a slower pull
    # that fetched before it could put an older state over this one.
    flag_modified(row, "data")


def _fill_children(children: Children, row: Any, data: Data) -> None:
    """Items or lines as they are now, keeping the rows that stay."""
    wanted = data[children.attribute]["data"]
    ids = [each["id"] for each in wanted]
    kept = {
        child.stripe_id: child
        for child in db.session.scalars(
            sa.select(children.model).where(children.model.stripe_id.in_(ids))
        )
    }
    rows = []
    for position, each in enumerate(wanted):
        child = kept.get(each["id"]) or children.model(stripe_id=each["id"])
        child.position, child.data = position, each
        _set_columns(child, children.columns(each))
        rows.append(child)
    setattr(row, children.attribute, rows)


def _set_columns(row: Any, values: Data) -> None:
    """Fills columns; text longer than its column is cut there, and whole in `data`."""
    columns = row.__table__.columns
    for name, value in values.items():
        length = getattr(columns[name].type, "length", None)
        setattr(row, name, value[:length] if length and isinstance(value, str) else value)


def _bury(row: Any, stripe_id: str) -> None:
    """Makes the row a tombstone: the last known state stays readable, marked as gone."""
    row.deleted_at = row.pulled_at = now()
    if row.data is None:
        for column in row.__table__.columns:
            if not (column.nullable or column.default or column.primary_key):
                blank = [] if isinstance(column.type, sa.JSON) else column.type.python_type()
                setattr(row, column.key, blank)
        row.data = {"id": stripe_id, "deleted": True}
    flag_modified(row, "data")


def _pull_what_ended(kind: Kind, gone: str, *, in_bulk: bool) -> None:
    """What ends with a deleted object: a customer's subscriptions, schedules and methods."""
    for name in kind.ends_with_it:
        model = KINDS[name].model
        ids = db.session.scalars(sa.select(model.stripe_id).where(model.customer_id == gone)).all()
        for stripe_id in ids:
            pull(name, stripe_id, in_bulk=in_bulk)

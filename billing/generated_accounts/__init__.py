"""Accounts in any number, written straight into an empty development database to measure it.

Nothing of it is at Stripe: ids begin as Stripe's do and go on with "gen". The same seed gives the
same accounts. Rows go in by SQLAlchemy's Core, many at a time; objects would take twenty times as
long.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from flask import current_app
from sqlalchemy import func, insert, select, text

from billing import search_index
from billing.clock import now
from billing.errors import Refused
from billing.generated_accounts import plans
from billing.generated_accounts.rows import TABLES, Generator, Rows
from models import Account, Customer, User, db

BATCH = 1000


@dataclass(frozen=True)
class Generated:
    """How many rows were written, and in how many seconds of the machine's."""

    accounts: int
    rows: int
    seconds: float

    @property
    def rows_per_second(self) -> int:
        return round(self.rows / self.seconds) if self.seconds else self.rows


def generate(
    accounts: int,
    *,
    seed: int = 1,
    invoices: int = 0,
    beside_real_data: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Generated:
    """Writes accounts with all that belongs to them, about `invoices` invoices each; commits.

    Raises Refused in production, with a live key, and where there is data already unless told.
    """
    _check(beside_real_data)
    began, moment = perf_counter(), now()
    generator = Generator(
        random.Random(seed),  # noqa: S311  nothing secret comes of it
        moment,
        invoices,
        plans.put_in_place(moment),
    )
    first, first_user = _next_id(Account), _next_id(User)
    written = 0
    for start in range(0, accounts, BATCH):
        batch = range(start, min(start + BATCH, accounts))
        rows: Rows = {name: [] for name in TABLES}
        for n in batch:
            generator.add(rows, first + n, first_user + 3 * n)
        written += sum(_write(rows))
        search_index.refresh(range(first + batch.start, first + batch.stop))
        db.session.commit()
        if batch.stop % (20 * BATCH) == 0:
            say(f"{batch.stop} accounts, {written} rows, {perf_counter() - began:.0f} s")
    _go_on_after_ids()
    _analyze()
    return Generated(accounts, written, perf_counter() - began)


def _check(beside_real_data: bool) -> None:
    settings = current_app.config["SETTINGS"]
    if settings.livemode or settings.is_production:
        raise Refused("Generated accounts never go into production. Nothing was written.")
    is_empty = all(
        db.session.scalar(select(model).limit(1)) is None for model in (Account, Customer)
    )
    if not (is_empty or beside_real_data):
        raise Refused(
            "There are accounts or customers here already, and generated ones would stand among "
            "them for good. Nothing was written. To do so all the same: --beside-real-data."
        )


def _next_id(model: Any) -> int:
    return (db.session.scalar(select(func.max(model.id))) or 0) + 1


def _write(rows: Rows) -> Iterator[int]:
    for name, table in TABLES.items():
        if rows[name]:
            db.session.execute(insert(table), rows[name])
        yield len(rows[name])


def _go_on_after_ids() -> None:
    """PostgreSQL counts ids by itself, and is told where those given here end."""
    if db.engine.dialect.name != "postgresql":
        return
    for table in ("accounts", "users"):
        db.session.execute(
            text(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), "  # noqa: S608
                f"(SELECT max(id) FROM {table}))"
            )
        )
    db.session.commit()


def _analyze() -> None:
    """What the database plans its queries by."""
    db.session.execute(text("ANALYZE"))
    db.session.commit()

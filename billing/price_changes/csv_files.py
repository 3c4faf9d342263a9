"""The rehearsal and the moves of a price change as CSV (RFC 4180, UTF-8), a row at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime

from billing.exports.cells import safe_text
from billing.money import to_decimal
from billing.price_changes import wording
from billing.price_changes.rehearsal import Row
from models import PriceMove

REHEARSED = (
    "account",
    "account_id",
    "customer_id",
    "subscription_id",
    "status",
    "subscribed_on",
    "seats",
    "currency",
    "each_period_now",
    "each_period_then",
    "mrr_now",
    "mrr_then",
    "moves_on",
    "stays_because",
    "notes",
)
MOVED = (
    "account",
    "account_id",
    "subscription_id",
    "status",
    "seats",
    "currency",
    "each_period_before",
    "each_period_after",
    "moves_on",
    "told_on",
    "why",
    "error",
)
PIECE = 16_384


def rehearsed(rows: Iterable[Row]) -> Iterator[str]:
    """Everybody who pays the old price; amounts are plain decimals of their currency."""
    return _written(REHEARSED, (_rehearsed(row) for row in rows))


def moved(moves: Iterable[PriceMove]) -> Iterator[str]:
    return _written(MOVED, (_moved(move) for move in moves))


def _rehearsed(row: Row) -> list[str]:
    subscription = row.subscription
    verdict = row.verdict
    return [
        safe_text(row.name),
        str(row.account.id) if row.account else "",
        subscription.customer_id,
        subscription.stripe_id,
        subscription.status,
        _day(subscription.start_date or subscription.created),
        str(row.quantity),
        row.currency.upper(),
        _amount(row.before, row.currency),
        _amount(row.after, row.currency),
        _amount(row.mrr_before, row.currency),
        _amount(row.mrr_after, row.currency),
        _day(verdict.at),
        safe_text(wording.reason(verdict.reason, verdict.detail)),
        safe_text("; ".join(note.kind.replace("_", " ") for note in row.notes)),
    ]


def _moved(move: PriceMove) -> list[str]:
    return [
        safe_text(move.account.name if move.account else ""),
        str(move.account_id or ""),
        move.subscription_id,
        move.status,
        str(move.quantity or ""),
        move.currency.upper(),
        _amount(move.amount_before, move.currency),
        _amount(move.amount_after, move.currency),
        _day(move.moves_at),
        _day(move.noticed_at),
        safe_text(wording.reason(move.reason, move.reason_detail)),
        safe_text(move.last_error or ""),
    ]


def _written(columns: Iterable[str], rows: Iterable[list[str]]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(columns)
    for row in rows:
        writer.writerow(row)
        if buffer.tell() > PIECE:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _amount(minor: int | None, currency: str) -> str:
    return "" if minor is None else f"{to_decimal(minor, currency):f}"


def _day(moment: datetime | None) -> str:
    return moment.date().isoformat() if moment else ""

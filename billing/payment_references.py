"""Payment intents and charges that mirrored objects only mention, and whose they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from models import Invoice, PaymentIntent, PaymentReference, db

INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def note(kind: str, row: Any) -> None:
    """Keeps the ids that an invoice or a payment intent mentions; joins the transaction."""
    if kind not in {"invoice", "payment_intent"} or row.customer_id is None:
        return
    ids = set(mentioned(row))
    if ids:
        add([_values(stripe_id, row) for stripe_id in sorted(ids)])


def add(values: list[dict[str, Any]]) -> None:
    if values:
        # A payment's owner never changes.
        insert = INSERT[db.engine.dialect.name](PaymentReference).on_conflict_do_nothing()
        db.session.execute(insert, values)


def mentioned(row: Invoice | PaymentIntent) -> Iterator[str]:
    """The ids of payments that the row names and that are no rows of their own."""
    if isinstance(row, PaymentIntent):
        if row.charge_id:
            yield row.charge_id
        return
    for one in (row.data.get("payments") or {}).get("data") or []:
        payment = one.get("payment") or {}
        for name in ("payment_intent", "charge"):
            value = payment.get(name)
            stripe_id = value.get("id") if isinstance(value, dict) else value
            if isinstance(stripe_id, str):
                yield stripe_id


def find(stripe_id: str) -> PaymentReference | None:
    return db.session.scalar(
        select(PaymentReference).where(PaymentReference.stripe_id == stripe_id)
    )


def _values(stripe_id: str, row: Any) -> dict[str, Any]:
    return {
        "stripe_id": stripe_id,
        "customer_id": row.customer_id,
        "invoice_id": row.stripe_id if isinstance(row, Invoice) else None,
    }

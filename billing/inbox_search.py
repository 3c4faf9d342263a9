"""The inbox as staff look through it: the newest first, by what they know of an event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from sqlalchemy import Select, select

from models import MIRRORED, Account, OutboxEntry, WebhookEvent, db

STATUSES = ("pending", "failed", "processed", "ignored", "quarantined")
EFFECTS_SHOWN = 20


@dataclass(frozen=True)
class Filters:
    """What to look for; everything that is empty matches all. Days are UTC, both included."""

    status: str = ""
    type: str = ""
    # A Stripe id: the object's or the event's own.
    named: str = ""
    error: str = ""
    since: date | None = None
    until: date | None = None

    @property
    def is_empty(self) -> bool:
        return self == Filters()


@dataclass(frozen=True)
class LedTo:
    """What an event led to: the mirror's row of its object, its account, and the mails."""

    row: object | None
    account: Account | None
    effects: Sequence[OutboxEntry]


def newest_first(filters: Filters) -> Select[tuple[WebhookEvent]]:
    """The events that match, for `paging.page`."""
    statement = select(WebhookEvent)
    if filters.status:
        statement = statement.where(WebhookEvent.status == filters.status)
    if filters.type:
        statement = statement.where(WebhookEvent.type == filters.type)
    if filters.named:
        # One column at a time, so that a database looks into one index.
        is_event = filters.named.startswith("evt_")
        column = WebhookEvent.stripe_id if is_event else WebhookEvent.object_id
        statement = statement.where(column == filters.named)
    if filters.error:
        # Only these have an error, and they are few: the text is looked for in them alone.
        statement = statement.where(
            WebhookEvent.status.in_(("pending", "failed")),
            WebhookEvent.last_error.icontains(filters.error, autoescape=True),
        )
    if filters.since:
        statement = statement.where(
            WebhookEvent.received_at >= datetime.combine(filters.since, time.min, UTC)
        )
    if filters.until:
        statement = statement.where(
            WebhookEvent.received_at <= datetime.combine(filters.until, time.max, UTC)
        )
    return statement.order_by(WebhookEvent.received_at.desc(), WebhookEvent.id.desc())


def led_to(event: WebhookEvent) -> LedTo:
    """What became of an event, from the mirror and the outbox."""
    kind = MIRRORED.get(event.object_kind or "")
    row = db.session.get(kind, event.object_id) if kind and event.object_id else None
    account = _account(event, row)
    return LedTo(row, account, _effects(event, account))


def _account(event: WebhookEvent, row: object | None) -> Account | None:
    about = event.payload["data"]["object"]
    named = about.get("customer")
    customer = named.get("id") if isinstance(named, dict) else named
    if event.object_kind == "customer":
        customer = event.object_id
    customer = customer or getattr(row, "customer_id", None)
    if not isinstance(customer, str):
        return None
    return db.session.scalar(select(Account).where(Account.stripe_customer_id == customer))


def _effects(event: WebhookEvent, account: Account | None) -> Sequence[OutboxEntry]:
    """The account's mails that this object is the reason of."""
    if account is None or event.object_id is None:
        return []
    return db.session.scalars(
        select(OutboxEntry)
        .where(
            OutboxEntry.account_id == account.id,
            OutboxEntry.key.contains(event.object_id, autoescape=True),
        )
        .order_by(OutboxEntry.id.desc())
        .limit(EFFECTS_SHOWN)
    ).all()

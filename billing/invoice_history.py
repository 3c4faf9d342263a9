"""What happened to one invoice, as far as we were told or did it ourselves, the newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from billing import timeline_words
from models import AuditEntry, Invoice, WebhookEvent, db

MOST = 30


@dataclass(frozen=True)
class Event:
    """Something that happened: Stripe's event, or an entry of the audit log with who did it."""

    at: datetime
    what: str
    by: str


def of(invoice: Invoice, account_id: int) -> list[Event]:
    """The latest events of the invoice, at most thirty."""
    told = db.session.scalars(
        select(WebhookEvent)
        .where(WebhookEvent.object_id == invoice.stripe_id)
        .order_by(WebhookEvent.id.desc())
        .limit(MOST)
    )
    done = db.session.scalars(
        select(AuditEntry)
        .where(AuditEntry.account_id == account_id, AuditEntry.subject == invoice.stripe_id)
        .order_by(AuditEntry.id.desc())
        .limit(MOST)
    )
    found = [Event(each.created, timeline_words.event(each.type), "Stripe") for each in told]
    found += [
        Event(
            each.at,
            timeline_words.action(each.action),
            (each.user.name or each.user.email) if each.user else "",
        )
        for each in done
    ]
    return sorted(found, key=lambda event: event.at, reverse=True)[:MOST]

"""Everything that happened around an account, merged by time, the newest first, a page at a time.

Each source gives what comes next in its own index, and one statement merges them; so a page costs
the same however long the account's history is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    and_,
    cast,
    literal,
    null,
    or_,
    select,
    union_all,
)

from models import (
    AccessDecision,
    Account,
    AuditEntry,
    CreditNote,
    Invoice,
    OutboxEntry,
    PaymentReference,
    Purchase,
    Refund,
    User,
    UtcDateTime,
    WebhookEvent,
    db,
)

PAGE_SIZE = 25
# What can be filtered for, in words, and the sources of each.
KINDS = {
    "payments": ("invoice", "payment", "credit_note", "refund", "purchase"),
    "actions": ("action",),
    "mails": ("mail",),
    "events": ("event",),
    "access": ("access",),
}


class BadPlace(ValueError):
    """The place in the timeline is none of ours."""


@dataclass(frozen=True)
class Entry:
    """One thing that happened. `amount` is minor units of `currency`.

    `source` is one of: event (a webhook), mail, invoice (made), payment (of an invoice),
    credit_note, refund, purchase, action (of staff, a member or a command), access (a decision).
    `word` says what: the event's type, the action, the mail's kind, the rule; `subject` names the
    object by its id, `label` as people know it.
    """

    source: str
    at: datetime
    number: int
    ref: str
    word: str | None
    subject: str | None
    label: str | None
    status: str | None
    amount: int | None
    currency: str | None
    who: str | None
    user_id: int | None

    @property
    def place(self) -> str:
        return f"{self.at.isoformat()}|{self.source}|{self.number}|{self.ref}"


@dataclass(frozen=True)
class Timeline:
    """One page; `newer` and `older` name the pages beside it, None at an end."""

    entries: list[Entry]
    newer: str | None
    older: str | None


@dataclass(frozen=True)
class _Place:
    at: datetime
    source: str
    number: int
    ref: str
    is_older: bool


def of(
    account: Account, *, kind: str = "", place: str | None = None, size: int = PAGE_SIZE
) -> Timeline:
    """The page at `place` (the newest without one), of one kind or of all.

    Raises BadPlace for a place that no page of ours named.
    """
    at = _read(place) if place else None
    wanted = KINDS.get(kind) or tuple(source for each in KINDS.values() for source in each)
    backwards = at is not None and not at.is_older
    parts = [part for source in wanted for part in _part(source, account, at, size + 1)]
    merged = union_all(*parts).subquery()
    order: list[Any] = [
        merged.c.at.desc(),
        merged.c.source,
        merged.c.number.desc(),
        merged.c.ref.desc(),
    ]
    if backwards:
        order = [merged.c.at, merged.c.source.desc(), merged.c.number, merged.c.ref]
    found = db.session.execute(select(merged).order_by(*order).limit(size + 1)).all()
    entries = [Entry(**row._mapping) for row in found]
    is_more = len(entries) > size
    entries = entries[:size]
    if backwards:
        entries.reverse()
    has_newer = is_more if backwards else at is not None
    has_older = is_more if not backwards else True
    return Timeline(
        entries,
        newer=f">{entries[0].place}" if entries and has_newer else None,
        older=f"<{entries[-1].place}" if entries and has_older else None,
    )


def _read(place: str) -> _Place:
    try:
        at, source, number, ref = place[1:].split("|", 3)
        moment = datetime.fromisoformat(at)
        if place[0] not in "<>" or moment.tzinfo is None or not source.isidentifier():
            raise BadPlace(place)
        found = int(number)
        if not -(2**62) < found < 2**62:
            raise BadPlace(place)
        return _Place(moment, source, found, ref[:255], place[0] == "<")
    except (ValueError, IndexError, OverflowError) as error:
        raise BadPlace(place) from error


def _part(source: str, account: Account, place: _Place | None, size: int) -> list[Select[Any]]:
    """What of one source comes next, as many as one page may need; nothing for no customer."""
    customer_id = account.stripe_customer_id
    text, whole = String(), BigInteger()
    nothing, no_number = cast(null(), text), cast(null(), whole)

    def row(
        at: Any, key: Any, condition: Any, *, word: Any = nothing, **more: Any
    ) -> list[Select[Any]]:
        is_number = not isinstance(key.type, String)
        columns = {
            "at": at,
            "number": cast(key, whole) if is_number else literal(0, whole),
            "ref": cast(literal(""), text) if is_number else cast(key, text),
            "word": cast(word, text),
            "subject": cast(more.get("subject", nothing), text),
            "label": cast(more.get("label", nothing), text),
            "status": cast(more.get("status", nothing), text),
            "amount": cast(more.get("amount", no_number), whole),
            "currency": cast(more.get("currency", nothing), text),
            "who": cast(more.get("who", nothing), text),
            "user_id": cast(more.get("user_id", no_number), whole),
        }
        statement = select(
            literal(source).label("source"), *(each.label(name) for name, each in columns.items())
        ).where(condition, at.is_not(None))
        if more.get("joined") is not None:
            statement = statement.join(*more["joined"], isouter=source == "action")
        order: list[Any] = [at.desc(), key.desc()]
        if place is not None:
            statement = statement.where(*_beyond(source, at, key, is_number, place))
            order = order if place.is_older else [at, key]
        inner = statement.order_by(*order).limit(size).subquery()
        return [select(inner)]

    match source:
        case "action":
            return row(
                AuditEntry.at,
                AuditEntry.id,
                AuditEntry.account_id == account.id,
                word=AuditEntry.action,
                subject=AuditEntry.subject,
                who=db.func.coalesce(db.func.nullif(User.name, ""), User.email, AuditEntry.done_by),
                user_id=AuditEntry.user_id,
                joined=(User, User.id == AuditEntry.user_id),
            )
        case "mail":
            return row(
                OutboxEntry.created_at,
                OutboxEntry.id,
                OutboxEntry.account_id == account.id,
                word=OutboxEntry.kind,
                subject=OutboxEntry.key,
                status=OutboxEntry.status,
                label=OutboxEntry.reason,
            )
        case "access":
            return row(
                AccessDecision.at,
                AccessDecision.id,
                AccessDecision.account_id == account.id,
                word=AccessDecision.rule,
                subject=AccessDecision.object_id,
                status=AccessDecision.level,
                label=AccessDecision.because,
            )
        case "purchase":
            return row(
                db.func.coalesce(Purchase.succeeded_at, Purchase.created_at),
                Purchase.id,
                Purchase.account_id == account.id,
                subject=Purchase.payment_intent_id,
                label=Purchase.name,
                status=Purchase.status,
                amount=Purchase.amount,
                currency=Purchase.currency,
            )
    if customer_id is None:
        return []
    match source:
        case "event":
            return row(
                WebhookEvent.created,
                WebhookEvent.id,
                WebhookEvent.customer_id == customer_id,
                word=WebhookEvent.type,
                subject=WebhookEvent.object_id,
                status=WebhookEvent.status,
            )
        case "invoice":
            return row(
                Invoice.created,
                Invoice.stripe_id,
                and_(Invoice.customer_id == customer_id, Invoice.deleted_at.is_(None)),
                word=Invoice.billing_reason,
                subject=Invoice.stripe_id,
                label=Invoice.number,
                status=Invoice.status,
                amount=Invoice.total,
                currency=Invoice.currency,
            )
        case "payment":
            return row(
                Invoice.paid_at,
                Invoice.stripe_id,
                and_(Invoice.customer_id == customer_id, Invoice.deleted_at.is_(None)),
                subject=Invoice.stripe_id,
                label=Invoice.number,
                amount=Invoice.amount_paid,
                currency=Invoice.currency,
            )
        case "credit_note":
            return row(
                CreditNote.created,
                CreditNote.stripe_id,
                and_(CreditNote.customer_id == customer_id, CreditNote.deleted_at.is_(None)),
                subject=CreditNote.invoice_id,
                label=CreditNote.number,
                status=CreditNote.status,
                amount=CreditNote.total,
                currency=CreditNote.currency,
            )
        case "refund":
            paid = PaymentReference.stripe_id == Refund.payment_intent_id
            return row(
                Refund.created,
                Refund.stripe_id,
                and_(PaymentReference.customer_id == customer_id, Refund.deleted_at.is_(None)),
                word=Refund.reason,
                subject=PaymentReference.invoice_id,
                status=Refund.status,
                amount=Refund.amount,
                currency=Refund.currency,
                joined=(PaymentReference, paid),
            )
    raise KeyError(source)


def _beyond(
    source: str, at: Any, key: Any, is_number: bool, place: _Place
) -> list[ColumnElement[bool]]:
    """What comes after the place, or before it; the first condition is a range of the index."""
    moment = literal(place.at, UtcDateTime())
    older = place.is_older
    bound = at <= moment if older else at >= moment
    strictly = at < moment if older else at > moment
    if source == place.source:
        own: Any = place.number if is_number else place.ref
        beside = key < own if older else key > own
        return [bound, or_(strictly, and_(at == moment, beside))]
    # At one moment the sources come in the order of their names.
    is_beyond = source > place.source if older else source < place.source
    return [bound if is_beyond else strictly]

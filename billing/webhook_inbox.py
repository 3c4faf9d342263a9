"""The inbox: every webhook is stored once, as evidence, before anything acts on it.

Nothing in a payload is ever applied to the mirror. It names an object, which is then pulled, so
that order, duplicates and the payload's API version cannot matter.
"""

from __future__ import annotations

import json
import logging
import math
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from billing.clock import from_unix, machine_now, now
from billing.errors import BadWebhook, BillingError, Refused
from billing.gateway import webhooks
from billing.webhook_customer import customer_of
from billing.webhook_handlers import HANDLED_TYPES, HANDLERS, ID
from models import WebhookEvent, db

__all__ = [
    "HANDLED_TYPES",
    "any_failed",
    "can_be_processed",
    "process",
    "process_again",
    "receive",
    "retry_failed",
    "sweep",
]

log = logging.getLogger(__name__)

# 1 January 2200, beyond which a timestamp is a mistake.
LATEST_SECOND = 7_258_118_400
DEEPEST = 60
# They let their bearer pay, or answer the bank, for somebody else.
NOT_KEPT = frozenset({"client_secret", "next_action"})
# Its address opens the customer's portal at Stripe to whoever has it.
PORTAL = "billing_portal.session"
# One run of the sweep ends; the next goes on with those that were tried least.
SWEEP_AT_ONCE = 500
# 1, 2, 4 ... minutes, at most two hours: given up after about as long as Stripe itself redelivers.
ATTEMPTS = 40
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=2)


def receive(body: bytes, signature: str | None) -> WebhookEvent:
    """The inbox row of a webhook, committed: the one of its first delivery if it came before.

    Its status is pending (to be given to `process`), or ignored (a type we do nothing for),
    quarantined (another mode or account than our key's), or what an earlier delivery led to.
    Raises BadWebhook when nobody we know signed the body, or it is no event.
    """
    settings = current_app.config["SETTINGS"]
    webhooks.verify(body, signature, settings.stripe_webhook_secrets, machine_now())
    event = parse(body)
    row = _find(event["id"])
    if row is not None:
        return row
    about = event["data"]["object"]
    row = WebhookEvent(
        stripe_id=event["id"],
        type=event["type"],
        object_kind=_short(about.get("object"), 60),
        object_id=_short(about.get("id"), 255),
        customer_id=customer_of(event),
        api_version=_short(event.get("api_version"), 40),
        livemode=event["livemode"],
        account=_short(event.get("account"), 255),
        created=_moment(event["created"]),
        received_at=now(),
        payload=event,
        status=_status(event),
    )
    db.session.add(row)
    try:
        db.session.commit()
    except IntegrityError:
        # Another delivery of the same event was stored in the same moment.
        db.session.rollback()
        row = _find(event["id"])
        if row is None:
            raise
        return row
    if row.status == "quarantined":
        log.warning("webhook %s is for another mode or account; nothing was pulled", event["id"])
    return row


def process(row: WebhookEvent) -> None:
    """Pulls what a pending event is about, and marks it processed.

    A failed one is tried as well: whoever delivers it again, or asks for it, wants that. Raises
    what made it impossible, mostly BillingError; the event then stays pending, or is given up
    (failed) after ATTEMPTS.
    """
    if row.status not in {"pending", "failed"}:
        return
    event_id, attempts = row.id, row.attempts + 1
    about = row.payload["data"]["object"]
    # Counted before it is tried, so that an event that kills the process is tried less and less.
    row.attempts = attempts
    row.next_attempt_at = now() + min(FIRST_WAIT * 2 ** min(attempts - 1, 20), LONGEST_WAIT)
    db.session.commit()
    try:
        HANDLERS[row.type](about)
    except Exception as error:
        db.session.rollback()
        given_up = {"status": "failed"} if attempts >= ATTEMPTS else {}
        _mark(event_id, last_error=f"{type(error).__name__}: {error}"[:2000], **given_up)
        raise
    _mark(event_id, status="processed", processed_at=now(), last_error=None)


def sweep(*, only_due: bool = False) -> tuple[int, int]:
    """Tries pending events again, the least tried first; how many went well, how many not.

    `only_due` leaves those alone whose wait is not over.
    """
    _give_up_on_killers()
    due = sa.or_(WebhookEvent.next_attempt_at.is_(None), WebhookEvent.next_attempt_at <= now())
    pending = db.session.scalars(
        sa.select(WebhookEvent.id)
        .where(WebhookEvent.status == "pending", due if only_due else sa.true())
        .order_by(WebhookEvent.attempts, WebhookEvent.received_at)
        .limit(SWEEP_AT_ONCE)
    ).all()
    failed = 0
    for event_id in pending:
        row = db.session.get_one(WebhookEvent, event_id)
        try:
            process(row)
        except (BillingError, SQLAlchemyError) as error:
            log.warning("webhook %s stays pending: %s", event_id, error)
            failed += 1
        except Exception:
            # A mistake of ours must not keep the others waiting.
            log.exception("webhook %s cannot be processed", event_id)
            failed += 1
    return len(pending) - failed, failed


def can_be_processed(row: WebhookEvent) -> bool:
    """Whether it can be processed, once more too: it is for us and of a type that we handle."""
    return row.status != "quarantined" and row.type in HANDLERS


def process_again(row: WebhookEvent) -> None:
    """Processes an event whatever became of it before. Harmless: it pulls what Stripe has now.

    Raises as `process` does; Refused when there is nothing that could be done for it.
    """
    if not can_be_processed(row):
        raise Refused("Nothing is done for events of this kind.")
    row.status, row.attempts = "pending", 0
    db.session.commit()
    process(row)


def any_failed() -> bool:
    """Whether an event was given up."""
    failed = sa.select(WebhookEvent.id).where(WebhookEvent.status == "failed").limit(1)
    return db.session.scalar(failed) is not None


def retry_failed() -> int:
    """Makes every event that was given up due again, as if it were new; how many.

    The sweep does them, a few hundred at a time, one call to Stripe after the other.
    """
    again = db.session.execute(
        sa.update(WebhookEvent)
        .where(WebhookEvent.status == "failed")
        .values(status="pending", attempts=0, next_attempt_at=now())
        .execution_options(synchronize_session=False)
    )
    return int(again.rowcount)


def _give_up_on_killers() -> None:
    """Marks those whose last attempt never came to its end, as the process died with it."""
    db.session.execute(
        sa.update(WebhookEvent)
        .where(
            WebhookEvent.status == "pending",
            WebhookEvent.attempts >= ATTEMPTS,
            WebhookEvent.next_attempt_at <= now(),
        )
        .values(status="failed", last_error="The last attempt did not come to its end.")
        .execution_options(synchronize_session=False)
    )
    db.session.commit()


def parse(body: bytes) -> dict[str, Any]:
    """The event in a signed body; BadWebhook when it is none."""
    try:
        event = _storable(json.loads(body, parse_constant=_no_number, parse_float=_finite))
    except (ValueError, RecursionError) as error:
        raise BadWebhook("The body is not JSON.") from error
    if not (isinstance(event, dict) and event.get("object") == "event" and _is_event(event)):
        raise BadWebhook("The body is not an event.")
    return event


def _is_event(event: dict[str, Any]) -> bool:
    data = event.get("data")
    created = event.get("created")
    return (
        _is_id(event.get("id"))
        and isinstance(event.get("type"), str)
        and 0 < len(event["type"]) <= 100
        and event["type"].isascii()
        and event["type"].isprintable()
        and type(created) is int
        and 0 <= created < LATEST_SECOND
        and isinstance(event.get("livemode"), bool)
        and (event.get("account") is None or _is_id(event["account"]))
        and isinstance(data, dict)
        and isinstance(data.get("object"), dict)
        and isinstance(data["object"].get("id"), str | None)
    )


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and ID.fullmatch(value) is not None


def _status(event: dict[str, Any]) -> str:
    # Only events of accounts connected to ours name an account; ours never do.
    if event["livemode"] != current_app.config["SETTINGS"].livemode or event.get("account"):
        return "quarantined"
    return "pending" if event["type"] in HANDLERS else "ignored"


def _storable(value: Any, depth: int = 0) -> Any:
    """The payload without what nobody else may hold, and as databases take it.

    PostgreSQL refuses NUL characters and halves of surrogate pairs inside JSON. Raises ValueError
    for what is nested deeper than anything of Stripe's.
    """
    if depth > DEEPEST:
        raise ValueError("nested too deeply")
    if isinstance(value, dict):
        return {
            _storable(name): _storable(each, depth + 1)
            for name, each in value.items()
            if name not in NOT_KEPT and not (name == "url" and value.get("object") == PORTAL)
        }
    if isinstance(value, list):
        return [_storable(each, depth + 1) for each in value]
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
    return value


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is too large")
    return value


def _short(value: Any, length: int) -> str | None:
    """A string that fits its column; None for anything else, which says nothing to us."""
    fits = isinstance(value, str) and len(value) <= length and value.isascii()
    return value if fits and value.isprintable() else None


def _moment(seconds: int) -> datetime:
    moment = from_unix(seconds)
    assert moment is not None
    return moment


def _find(stripe_id: str) -> WebhookEvent | None:
    return db.session.scalar(sa.select(WebhookEvent).where(WebhookEvent.stripe_id == stripe_id))


def _mark(event_id: int, **values: Any) -> None:
    db.session.execute(
        sa.update(WebhookEvent)
        .where(WebhookEvent.id == event_id, WebhookEvent.status.in_(("pending", "failed")))
        .values(**values)
    )
    db.session.commit()

"""Pausing a subscription for some months or until resumed, and keeping to the day agreed on.

Stripe's own pause stops invoices and service alike, which is what "pause" says to people; the
other kind (`pause_collection`) goes on granting service and making invoices, and is left to staff.
It knows no day on which to resume, so that day is kept here and `resume_due` keeps to it.
"""

from __future__ import annotations

import logging
import secrets
from calendar import monthrange
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, select, update
from sqlalchemy.exc import IntegrityError

from billing import acceptance, beginning, outbox, outcome, plan_change, scheduled_change, sync
from billing.audit import record
from billing.clock import now
from billing.errors import (
    AuthenticationNeeded,
    CardDeclined,
    GoneFromStripe,
    IdempotencyConflict,
    InvalidRequest,
    KeySpent,
    Refused,
    StripeBusy,
    StripeMisconfigured,
    StripeUnavailable,
)
from billing.gateway import pause as gateway
from billing.gateway import resumption as resumption_gateway
from models import Customer, Invoice, Pause, Quote, Subscription, db

log = logging.getLogger(__name__)

# The months a pause may last; one without a day lasts until it is resumed.
MONTHS = (1, 2, 3)
# Stripe keeps an idempotency key for 24 hours at least.
KEY_LIFE = timedelta(hours=23)
# As long as a change of plan waits for the bank.
CONFIRMED_WITHIN = timedelta(hours=23)


class NotPausable(Refused):
    """Stripe or the state of the subscription does not allow a pause."""

    title = "It cannot be paused now"
    message = "Nothing was changed, and your subscription goes on as before."


@dataclass(frozen=True)
class Choice:
    """A day to resume on: so many whole months after the pause began."""

    months: int
    on: datetime


def months_later(moment: datetime, months: int) -> datetime:
    """The same time so many months later, on the month's last day where it has no such day."""
    years, month = divmod(moment.month - 1 + months, 12)
    year, month = moment.year + years, month + 1
    return moment.replace(year=year, month=month, day=min(moment.day, monthrange(year, month)[1]))


def choices(began: datetime, moment: datetime) -> list[Choice]:
    """The days that a pause that began then may end on, those still to come."""
    found = [Choice(months, months_later(began, months)) for months in MONTHS]
    return [choice for choice in found if choice.on > moment]


def obstacle(subscription: Subscription) -> plan_change.Obstacle | None:
    """What stands in the way of a pause, from the mirror; None when nothing does.

    Its kind is one of: not_offered, paused, collection_paused, trialing, owes, confirming, ending,
    renewing, invoiced (Stripe pauses only what is charged by itself), unknown (a status or a
    billing mode that Stripe does not pause).
    """
    kind = plan_change.Obstacle
    if subscription.status == "paused":
        return kind("paused")
    if subscription.plan is None or not subscription.plan.pausable:
        return kind("not_offered")
    if subscription.is_trialing:
        return kind("trialing")
    owed = plan_change.open_invoice(subscription)
    if owed is not None and not subscription.data.get("pending_update"):
        return kind("owes", owed)
    if subscription.data.get("pending_update"):
        return kind("confirming")
    if subscription.status != "active":
        return kind("unknown")
    if subscription.pause_collection:
        return kind("collection_paused")
    if subscription.is_ending:
        return kind("ending")
    if subscription.collection_method != "charge_automatically":
        return kind("invoiced")
    if (subscription.data.get("billing_mode") or {}).get("type") != "flexible":
        return kind("unknown")
    if plan_change.is_between_periods(subscription):
        return kind("renewing")
    return None


def credit(subscription: Subscription) -> int:
    """What pausing right now gives back for unused time, minor units; from Stripe's own preview."""
    try:
        return max(-gateway.preview(subscription.stripe_id).total, 0)
    except (InvalidRequest, GoneFromStripe):
        # Stripe has no invoice to show when there is nothing to give back.
        return 0


def create(subscription: Subscription, months: int | None, *, account_id: int, user_id: int) -> int:
    """Pauses from now on, for so many months or (None) until resumed.

    The credit it gave, minor units. Raises NotPausable, having changed nothing; StripeUnavailable
    when the outcome is unknown, in which case the same may be asked again.
    """
    subscription = _fresh(subscription)
    if subscription.status == "paused":
        return 0
    if obstacle(subscription) is not None:
        raise NotPausable
    pause = _stored(subscription, months, account_id=account_id, user_id=user_id)
    before = _balance(subscription)
    # Stripe refuses to pause what a schedule manages.
    scheduled_change.undo(subscription)
    try:
        with outcome.told_by(lambda: _look(subscription).status == "paused"):
            gateway.create(subscription.stripe_id, idempotency_key=pause.idempotency_key)
    except KeySpent as error:
        # Over, and seen not to be done: the next press has a key of its own.
        _end(pause)
        raise StripeBusy from error
    except (InvalidRequest, GoneFromStripe) as error:
        _end(pause)
        raise NotPausable from error
    paused = None
    try:
        paused = _look(subscription)
    except (StripeUnavailable, StripeBusy):
        log.warning("the mirror of %s waits for its webhook", subscription.stripe_id)
    if paused is not None and paused.status != "paused":
        # The key repeated the answer to a pause that somebody has lifted since.
        _end(pause)
        raise NotPausable
    record(
        "subscription.paused",
        subscription.stripe_id,
        after={"months": months, "resumes_at": _iso(pause.resumes_at)},
        account_id=account_id,
    )
    db.session.commit()
    return max(before - _balance(paused), 0) if paused is not None else 0


def _look(subscription: Subscription) -> Subscription:
    """The subscription as Stripe has it now, and what a pause touches: invoice and balance."""
    found: Subscription = sync.pull("subscription", subscription.stripe_id)
    if found.latest_invoice_id is not None:
        sync.pull("invoice", found.latest_invoice_id)
    sync.pull("customer", found.customer_id)
    return found


def _end(pause: Pause) -> None:
    pause.ended_at = now()
    db.session.commit()


def _fresh(subscription: Subscription) -> Subscription:
    """The subscription as Stripe has it now; when Stripe cannot say, nothing was done yet."""
    try:
        return _look(subscription)
    except StripeUnavailable as error:
        raise StripeBusy from error


def _balance(subscription: Subscription) -> int:
    customer = db.session.get(Customer, subscription.customer_id, populate_existing=True)
    return customer.balance if customer else 0


def _stored(
    subscription: Subscription, months: int | None, *, account_id: int, user_id: int
) -> Pause:
    """The request, committed before Stripe is asked.

    One whose answer was lost, and a second press, are taken up with the key they had.
    """
    moment = now()
    resumes_at = months_later(moment, months) if months else None
    pause = _running(subscription.stripe_id)
    if pause is None:
        pause = Pause(
            account_id=account_id,
            user_id=user_id,
            subscription_id=subscription.stripe_id,
            requested_at=moment,
            idempotency_key=_key("pause"),
            resumes_at=resumes_at,
        )
        db.session.add(pause)
        try:
            db.session.commit()
            return pause
        except IntegrityError:
            db.session.rollback()
            pause = db.session.scalars(_running_query(subscription.stripe_id)).one()
    pause.resumes_at = resumes_at
    if moment - pause.requested_at > KEY_LIFE:
        pause.idempotency_key, pause.requested_at = _key("pause"), moment
    db.session.commit()
    return pause


def _running_query(subscription_id: str) -> Select[tuple[Pause]]:
    return select(Pause).where(Pause.subscription_id == subscription_id, Pause.ended_at.is_(None))


def _running(subscription_id: str) -> Pause | None:
    found: Pause | None = db.session.scalar(_running_query(subscription_id))
    return found


def _key(what: str) -> str:
    return f"{what}-{secrets.token_urlsafe(24)}"


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def reschedule(pause: Pause, resumes_at: datetime | None) -> None:
    """Has the pause end on another day, or (None) when it is resumed by hand."""
    before = pause.resumes_at
    pause.resumes_at, pause.refused_because, pause.refused_at = resumes_at, None, None
    record(
        "pause.rescheduled",
        pause.subscription_id,
        before={"resumes_at": _iso(before)},
        after={"resumes_at": _iso(resumes_at)},
    )
    db.session.commit()


@sync.observer
def follow(written: sync.Written) -> None:
    """Keeps the request true to what Stripe says: paused since when, and over once it runs."""
    if written.kind != "subscription":
        return
    subscription: Subscription = written.row
    pause = _running(subscription.stripe_id)
    if pause is None:
        return
    if subscription.status == "paused":
        began = subscription.paused_at or now()
        if pause.paused_at is None and began - pause.requested_at <= KEY_LIFE:
            pause.paused_at = began
        elif pause.paused_at is None or began > pause.paused_at:
            # Another pause, by somebody else: ours is over, or never came to be.
            pause.ended_at = began
    elif pause.paused_at is not None or not subscription.is_live:
        pause.ended_at = now()


def resume_due(moment: datetime) -> Counter[str]:
    """Resumes what was to resume by `moment`; how many pauses ended how.

    Keys: resumed, refused (stays paused, and owes nothing), waiting (no answer from Stripe: asked
    again next time, under the same key), over (it had ended already), dropped (a resumption by
    hand that was not paid within a day). Safe to run twice at once.
    """
    dropped = [_drop(quote_id) for quote_id in _unconfirmed(moment)]
    due: Sequence[int] = db.session.scalars(
        select(Pause.id)
        .where(Pause.ended_at.is_(None), Pause.resumes_at <= moment)
        .order_by(Pause.resumes_at, Pause.id)
    ).all()
    db.session.commit()
    return Counter([*dropped, *(_resume(pause_id) for pause_id in due)])


def _unconfirmed(moment: datetime) -> Sequence[str]:
    """Resumptions by hand still unpaid after a day: Stripe would go on trying them for a year."""
    found: Sequence[str] = db.session.scalars(
        select(Quote.id)
        .join(Subscription, Subscription.stripe_id == Quote.subscription_id)
        .join(Invoice, Invoice.stripe_id == Subscription.latest_invoice_id)
        .where(
            Quote.kind == beginning.RESUMPTION,
            Quote.accepted_at <= moment - CONFIRMED_WITHIN,
            Quote.invoice_id == Invoice.stripe_id,
            Subscription.status == "paused",
            Invoice.status == "open",
        )
    ).all()
    return found


def _drop(quote_id: str) -> str:
    """Takes an unpaid resumption back, so that no later card is charged for it unasked."""
    quote = db.session.get_one(Quote, quote_id)
    invoice_id = quote.invoice_id
    assert invoice_id is not None
    try:
        subscription = acceptance.settle(sync.pull("subscription", quote.subscription_id))
        if subscription.status != "paused" or subscription.latest_invoice_id != invoice_id:
            return "over"
        if sync.pull("invoice", invoice_id).is_processing:
            return "waiting"
        acceptance.discard_pending(subscription)
    except (StripeUnavailable, StripeBusy, StripeMisconfigured) as error:
        db.session.rollback()
        log.warning("resumption %s is dropped later (%s)", quote_id, type(error).__name__)
        return "waiting"
    return "dropped"


def _resume(pause_id: int) -> str:
    pause = db.session.get_one(Pause, pause_id)
    try:
        return _resumed(pause)
    except (StripeUnavailable, StripeBusy, StripeMisconfigured, IdempotencyConflict) as error:
        db.session.rollback()
        log.warning("pause %s is resumed later (%s)", pause_id, type(error).__name__)
        return "waiting"


def _resumed(pause: Pause) -> str:
    subscription: Subscription = sync.pull("subscription", pause.subscription_id)
    db.session.refresh(pause)
    if subscription.status != "paused" and pause.ended_at is None:
        # Asked for, and refused by Stripe or never heard of there.
        pause.ended_at = now()
        db.session.commit()
    if pause.ended_at is not None:
        return "over"
    if subscription.data.get("pending_update"):
        # Either the bank's debit of our own attempt was on its way, or somebody resumes it by
        # hand and their bank has yet to confirm.
        return _outcome(pause) if pause.resumption_key else "waiting"
    if subscription.is_ending:
        pause.resumes_at = None
        db.session.commit()
        return "over"
    if plan_change.open_invoice(subscription) is not None:
        return _refuse(pause, "owes")
    try:
        resumption_gateway.create(subscription.stripe_id, idempotency_key=_resumption_key(pause))
    except (InvalidRequest, GoneFromStripe):
        fresh: Subscription = sync.pull("subscription", subscription.stripe_id)
        if fresh.status != "paused":
            return "resumed"
        return _refuse(pause, "not_possible" if fresh.payment_method else "no_method")
    except CardDeclined:
        return _refuse(pause, "declined")
    except AuthenticationNeeded:
        return _refuse(pause, "confirmation")
    return _outcome(pause)


def _resumption_key(pause: Pause) -> str:
    """The key of the resumption under way: one for however many workers, renewed when too old."""
    moment = now()
    db.session.execute(
        update(Pause)
        .where(
            Pause.id == pause.id,
            Pause.resumption_key.is_(None) | (Pause.resumption_asked_at < moment - KEY_LIFE),
        )
        .values(resumption_key=_key("resume"), resumption_asked_at=moment)
    )
    db.session.commit()
    db.session.refresh(pause)
    assert pause.resumption_key is not None
    return pause.resumption_key


def _outcome(pause: Pause) -> str:
    """What became of a resumption that Stripe accepted: paid, on its way, or refused."""
    subscription: Subscription = sync.pull("subscription", pause.subscription_id)
    invoice_id = subscription.latest_invoice_id
    invoice: Invoice | None = sync.pull("invoice", invoice_id) if invoice_id else None
    sync.pull("customer", subscription.customer_id)
    if subscription.status != "paused":
        record(
            "subscription.resumed",
            subscription.stripe_id,
            after={"invoice": invoice_id, "on": _iso(pause.resumes_at)},
            account_id=pause.account_id,
        )
        db.session.commit()
        return "resumed"
    if invoice is not None and invoice.is_processing:
        return "waiting"
    why = "confirmation" if invoice is not None and invoice.needs_confirmation else "declined"
    # Left open it would be tried again for weeks, and charged on a day nobody chose.
    acceptance.discard_pending(subscription)
    return _refuse(pause, why)


def _refuse(pause: Pause, why: str) -> str:
    """The pause goes on without a day, and the subscriber is told."""
    day = pause.resumes_at
    pause.resumes_at, pause.resumption_key, pause.resumption_asked_at = None, None, None
    pause.refused_because, pause.refused_at = why, now()
    record(
        "resumption.refused",
        pause.subscription_id,
        after={"reason": why, "on": _iso(day)},
        account_id=pause.account_id,
    )
    outbox.put(
        "resumption_refused",
        f"resumption_refused:{pause.id}:{_iso(day)}",
        account_id=pause.account_id,
        subscription=pause.subscription_id,
        reason=why,
    )
    db.session.commit()
    return "refused"

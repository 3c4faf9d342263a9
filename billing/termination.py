"""Ending a subscription by staff: with its period, or at once with or without what is unused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from billing import acceptance, cancellation, left_of_invoice, scheduled_change, staff_actions, sync
from billing.clock import now
from billing.errors import GoneFromStripe, InvalidRequest
from billing.gateway import cancellation as gateway
from billing.gateway import credit_notes as note_gateway
from billing.gateway.credit_notes import Note
from billing.staff_actions import MADE_BY, Kind, State
from models import Invoice, StaffAction, Subscription, db

PERIOD_END, NOW, NOW_CREDIT, NOW_REFUND = "period_end", "now", "now_credit", "now_refund"
AT_ONCE = frozenset({NOW, NOW_CREDIT, NOW_REFUND})


@dataclass(frozen=True)
class Unused:
    """The time that is paid for and not used, and the invoice that can give it back; minor units.

    `creditable` and `refundable` are what that invoice can give back of `amount`.
    """

    amount: int
    currency: str
    invoice: Invoice | None = None
    creditable: int = 0
    refundable: int = 0


def unused(subscription: Subscription, at: datetime) -> Unused:
    """What Stripe says is unused at that moment. Raises StripeUnavailable and the like."""
    nothing = Unused(0, subscription.currency)
    if subscription.status != "active":
        return nothing
    try:
        preview = gateway.preview_unused(subscription.stripe_id, at=at)
    except (GoneFromStripe, InvalidRequest):
        return nothing
    amount = max(-preview.total, 0)
    best = Unused(amount, preview.currency)
    for invoice in _paid(subscription):
        if not _pays_for(invoice, at):
            continue
        left = left_of_invoice.of(invoice)
        creditable = min(amount, left.to_credit)
        if creditable > best.creditable and invoice.currency == preview.currency:
            # Stripe refunds with a note only what a single payment paid.
            to_method = left.to_refund if len(left.payments) == 1 else 0
            best = Unused(amount, preview.currency, invoice, creditable, min(creditable, to_method))
    return best


def _pays_for(invoice: Invoice, at: datetime) -> bool:
    """Whether it bills time that is still to come."""
    return any(
        line.amount > 0 and line.period_end is not None and line.period_end > at
        for line in invoice.lines
    )


def _paid(subscription: Subscription) -> list[Invoice]:
    """The subscription's latest paid invoices, the newest first."""
    return list(
        db.session.scalars(
            select(Invoice)
            .where(
                Invoice.subscription_id == subscription.stripe_id,
                Invoice.status == "paid",
                Invoice.deleted_at.is_(None),
            )
            .order_by(Invoice.created.desc())
            .limit(6)
        )
    )


def ends_on(subscription: Subscription, way: str) -> datetime:
    """The last moment of access."""
    if way != PERIOD_END:
        return now()
    return cancellation.last_moment(subscription) or now()


def params(way: str, given: Unused, *, feedback: str, comment: str) -> State:
    """What is agreed to: exactly the amount that was shown is given back."""
    amount = {NOW_CREDIT: given.creditable, NOW_REFUND: given.refundable}.get(way, 0)
    return {
        "way": way,
        "amount": amount,
        "currency": given.currency,
        "invoice": given.invoice.stripe_id if given.invoice and amount else None,
        "feedback": feedback or None,
        "comment": comment,
    }


def state(subscription_id: str) -> State:
    subscription = db.session.get_one(Subscription, subscription_id)
    end = subscription.current_period_end
    return {
        "status": subscription.status,
        "ending": subscription.is_ending,
        "period_end": int(end.timestamp()) if end else None,
        "price": subscription.price.stripe_id if subscription.price else None,
        "quantity": subscription.quantity,
        "invoices": [left_of_invoice.state(one.stripe_id) for one in _paid(subscription)[:1]],
    }


def _do(action: StaffAction, key: str) -> State:
    asked = action.params
    subscription = db.session.get_one(Subscription, action.subject)
    if subscription.is_live and not subscription.is_ending:
        acceptance.discard_pending(subscription)
        scheduled_change.undo(subscription)
        end = gateway.at_period_end if asked["way"] == PERIOD_END else gateway.now
        end(
            action.subject,
            feedback=asked["feedback"],
            comment=asked["comment"],
            idempotency_key=key,
        )
    result: State = {"ended": True}
    if asked["amount"]:
        result |= _give_back(action, key)
    return result


def _give_back(action: StaffAction, key: str) -> State:
    asked = action.params
    refunds = asked["way"] == NOW_REFUND
    note = Note(
        invoice_id=asked["invoice"],
        amount=asked["amount"],
        refund=asked["amount"] if refunds else 0,
        credit=0 if refunds else asked["amount"],
        reason="order_change",
        metadata={MADE_BY: action.id},
    )
    try:
        made = note_gateway.create(note, idempotency_key=f"{key}:note")
    except (InvalidRequest, GoneFromStripe) as error:
        # The subscription has ended all the same, and that must be told.
        return {"credit_note": None, "refused": error.message}
    return {"credit_note": made.id}


def _find(action: StaffAction) -> State | None:
    if not _is_ended(action):
        return None
    if not action.params["amount"]:
        return {"ended": True}
    note = note_gateway.made_for(action.params["invoice"], MADE_BY, action.id)
    return {"ended": True, "credit_note": note.id} if note else None


def _is_ended(action: StaffAction) -> bool:
    found: Subscription = sync.pull("subscription", action.subject)
    if action.params["way"] in AT_ONCE:
        return not found.is_live
    return found.is_ending or not found.is_live


def _refresh(action: StaffAction) -> None:
    found: Subscription = sync.pull("subscription", action.subject)
    for invoice_id in {action.params["invoice"], found.latest_invoice_id} - {None}:
        left_of_invoice.refresh(invoice_id)


TERMINATION = staff_actions.register(
    Kind(
        name="cancellation",
        audit="subscription.cancelled",
        refresh=_refresh,
        state=state,
        do=_do,
        find=_find,
        is_begun=lambda action: bool(action.params["amount"]) and _is_ended(action),
    )
)

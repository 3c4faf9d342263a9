"""What becomes of accepted quotes: made, whoever finds out, and charged as they said.

The mirror's writes tell. So it does not matter whether the change is seen at once, by a webhook
hours later, or when somebody looks again after confirming with the bank.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from billing import beginning, plan_change, sync
from billing.audit import record
from billing.clock import now
from billing.pricing import TAKES_EFFECT_NOW
from billing.sync import Written
from models import Quote, Subscription, db

# Stripe keeps an idempotency key for 24 hours and a pending update for 23.
UNSETTLED_FOR = timedelta(hours=24)
# What the audit log calls a step that is no change of plan or seats.
BEGUN = {beginning.TRIAL_END: "trial.ended_early", beginning.RESUMPTION: "subscription.resumed"}


def is_made(quote: Quote, subscription: Subscription) -> bool:
    """Whether the subscription is, or is scheduled to be, what the quote leads to."""
    if quote.kind != "change":
        return subscription.is_live and not beginning.waits(quote.kind, subscription)
    if quote.takes_effect != TAKES_EFFECT_NOW:
        return plan_change.is_scheduled(subscription, quote.to_price_id, quote.to_quantity)
    item = subscription.item
    return bool(
        item and item.price_id == quote.to_price_id and subscription.quantity == quote.to_quantity
    )


def mark_applied(quote: Quote, invoice_id: str | None = None) -> None:
    """Marks the quote as used and tells the audit log, once however many come here.

    It is committed by the caller.
    """
    marked = db.session.execute(
        update(Quote)
        .where(Quote.id == quote.id, Quote.applied_at.is_(None))
        .values(applied_at=now())
    )
    if invoice_id is not None:
        db.session.execute(
            update(Quote)
            .where(Quote.id == quote.id, Quote.invoice_id.is_(None))
            .values(invoice_id=invoice_id)
        )
    if marked.rowcount:
        action = "plan.changed" if quote.from_price_id != quote.to_price_id else "seats.changed"
        entry = record(
            BEGUN.get(quote.kind, action),
            quote.subscription_id,
            before={"price": quote.from_price_id, "quantity": quote.from_quantity},
            after={
                "price": quote.to_price_id,
                "quantity": quote.to_quantity,
                "takes_effect": quote.takes_effect,
                "invoice": invoice_id or quote.invoice_id,
                **({"prorated": quote.prorates} if quote.by_staff else {}),
            },
            account_id=quote.account_id,
        )
        # A webhook has nobody signed in; the change was asked for by whoever got the quote.
        entry.user_id = entry.user_id or quote.user_id


@sync.observer
def notice_change(written: Written) -> None:
    """An accepted change whose answer never came shows in the subscription or its schedule."""
    if written.kind == "subscription":
        subscription = written.row
    elif written.kind == "subscription_schedule":
        subscription = db.session.get(Subscription, written.row.subscription_id or "")
    else:
        return
    if subscription is None:
        return
    # The newest alone: an earlier one that was never answered has been replaced by it.
    quote = db.session.scalar(
        select(Quote)
        .where(
            Quote.subscription_id == subscription.stripe_id,
            Quote.accepted_at > now() - UNSETTLED_FOR,
        )
        .order_by(Quote.accepted_at.desc(), Quote.created_at.desc())
        .limit(1)
    )
    if quote is not None and quote.applied_at is None and is_made(quote, subscription):
        mark_applied(quote)

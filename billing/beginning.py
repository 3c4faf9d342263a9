"""Beginning to pay: a trial ended before its time, a paused subscription resumed.

Either starts a whole period today, at the price and with the seats that the subscription has.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict
from typing import Literal

from billing import plan_change, quoting
from billing.clock import now
from billing.errors import GoneFromStripe, InvalidRequest, Refused
from billing.gateway import plan_change as change_gateway
from billing.gateway import resumption as resumption_gateway
from billing.gateway import trial_end as trial_end_gateway
from billing.gateway.plan_change import Changed, PaymentBehavior, Preview
from billing.pricing import TAKES_EFFECT_NOW, billed_quantity
from billing.quoting import VALID_FOR, NotToBeHad, QuoteNotUsable
from models import Quote, Subscription, db

Kind = Literal["trial_end", "resumption"]
TRIAL_END: Kind = "trial_end"
RESUMPTION: Kind = "resumption"


def waits(kind: str, subscription: Subscription) -> bool:
    """Whether the subscription is in what the step ends: a trial, or a pause."""
    return subscription.is_trialing if kind == TRIAL_END else subscription.status == "paused"


def obstacle(kind: str, subscription: Subscription) -> plan_change.Obstacle | None:
    """What stands in the way, from the mirror; None when nothing does.

    Its kind is one of: over (no longer in a trial or paused), confirming, ending, owes, invoiced.
    """
    if not waits(kind, subscription):
        return plan_change.Obstacle("over")
    if subscription.data.get("pending_update"):
        return plan_change.Obstacle("confirming")
    if subscription.is_ending:
        return plan_change.Obstacle("ending")
    owed = plan_change.open_invoice(subscription)
    if owed is not None:
        return plan_change.Obstacle("owes", owed)
    # Stripe resumes only what is charged by itself.
    if kind == RESUMPTION and subscription.collection_method == "send_invoice":
        return plan_change.Obstacle("invoiced")
    return None


def ask(kind: Kind, subscription: Subscription, *, account_id: int, user_id: int) -> Quote:
    """A new quote for the step, from Stripe's own preview, stored. Raises what Stripe refuses."""
    item = subscription.item
    if item is None:
        raise Refused("This subscription has nothing that could be charged.")
    moment = now().replace(microsecond=0)
    due = _preview(kind, subscription)
    quote = Quote(
        id=secrets.token_urlsafe(24),
        account_id=account_id,
        user_id=user_id,
        kind=kind,
        subscription_id=subscription.stripe_id,
        from_price_id=item.price_id,
        from_quantity=subscription.quantity,
        to_price_id=item.price_id,
        to_quantity=subscription.quantity,
        takes_effect=TAKES_EFFECT_NOW,
        effective_at=moment,
        currency=due.currency,
        amount_due=due.amount_due,
        recurring_amount=_recurring(kind, subscription, due),
        lines=[asdict(line) for line in quoting.lines_of(due)],
        created_at=moment,
        expires_at=moment + VALID_FOR,
    )
    db.session.add(quote)
    db.session.commit()
    return quote


def check(quote: Quote, subscription: Subscription) -> None:
    """QuoteNotUsable unless the quote is true of the subscription, to the cent, right now."""
    item = subscription.item
    if (
        item is None
        or now() >= quote.expires_at
        or item.price_id != quote.from_price_id
        or subscription.quantity != quote.from_quantity
        or obstacle(quote.kind, subscription) is not None
    ):
        raise QuoteNotUsable
    if quote.accepted_at is not None:
        return
    due = _preview(quote.kind, subscription)
    if due.amount_due != quote.amount_due or due.currency != quote.currency:
        raise QuoteNotUsable


def create(quote: Quote, payment_behavior: PaymentBehavior, idempotency_key: str) -> Changed:
    """Takes the quoted step at Stripe; see the gateway for what a failed payment does."""
    if quote.kind == TRIAL_END:
        return trial_end_gateway.create(
            quote.subscription_id,
            payment_behavior=payment_behavior,
            idempotency_key=idempotency_key,
        )
    return resumption_gateway.create(quote.subscription_id, idempotency_key=idempotency_key)


def _preview(kind: str, subscription: Subscription) -> Preview:
    gateway = trial_end_gateway if kind == TRIAL_END else resumption_gateway
    try:
        return gateway.preview(subscription.stripe_id)
    except (InvalidRequest, GoneFromStripe) as error:
        raise NotToBeHad from error


def _recurring(kind: str, subscription: Subscription, due: Preview) -> int | None:
    """What every later period costs, minor units; None when that cannot be told."""
    item, price = subscription.item, subscription.price
    if kind == TRIAL_END and item is not None and price is not None:
        return change_gateway.preview_recurring(
            subscription.stripe_id,
            item_id=item.stripe_id,
            price_id=None,
            quantity=billed_quantity(price, subscription.quantity),
        ).total
    # A paused subscription renews at no time that could be previewed. Without a discount, which
    # may end, and without anything billed once, its first period costs what each will.
    lines = quoting.lines_of(due)
    plain = all(line.kind in {"period", "tax", "tax_included", "balance"} for line in lines)
    return due.total if plain else None

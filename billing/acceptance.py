"""Accepting a quote: making the change it names once, at its price, and no other."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import and_, or_, select, update

from billing import (
    beginning,
    outcome,
    plan_change,
    promotion_codes,
    quoting,
    scheduled_change,
    sync,
)
from billing.clock import now
from billing.errors import (
    AuthenticationNeeded,
    BillingError,
    CardDeclined,
    GoneFromStripe,
    IdempotencyConflict,
    InvalidRequest,
    KeySpent,
    StripeBusy,
    StripeUnavailable,
)
from billing.gateway import plan_change as gateway
from billing.pricing import TAKES_EFFECT_NOW, at_time, billed_quantity, change
from billing.quoting import QuoteNotUsable
from billing.settlement import UNSETTLED_FOR, is_made, mark_applied
from models import Invoice, Price, Quote, Subscription, db

log = logging.getLogger(__name__)


def apply(quote: Quote) -> None:
    """Makes the change exactly as quoted, once, and pulls what came of it.

    Raises QuoteNotUsable, having changed nothing, when the quote is no longer true;
    CardDeclined when the payment failed and the old plan stays; AuthenticationNeeded, naming the
    invoice, when the change waits for the payer's confirmation; StripeUnavailable when the
    outcome is unknown, in which case the same quote may be sent again.
    """
    if quote.applied_at is not None:
        if quote.invoice_id is not None and quote.charged_amount is None:
            # Stripe could not be read after the change was made.
            _refresh(quote, drop_scheduled=False)
        return
    subscription = _fresh(quote)
    before = subscription.latest_invoice_id
    if quote.accepted_at is not None and is_made(quote, subscription):
        _settle(quote, subscription)
        return
    try:
        _check(quote, subscription)
    except QuoteNotUsable:
        if not _made_by_another_request(quote):
            raise
        return
    _accept(quote)
    invoice_id = before
    with _undone_on_refusal(quote), outcome.told_by(lambda: _settled(quote)):
        if quote.takes_effect == TAKES_EFFECT_NOW:
            invoice_id = _change_now(quote, subscription)
        else:
            scheduled_change.create(subscription, quote)
    if quote.applied_at is not None:
        return
    _applied(quote, invoice_id if invoice_id != before else None)
    _refresh(quote, drop_scheduled=quote.takes_effect == TAKES_EFFECT_NOW)


def settle(subscription: Subscription) -> Subscription:
    """Finds out about accepted changes whose outcome is open; the subscription as it is now.

    Asks Stripe only when there is such a change, or when the period we know of is over.
    """
    unsettled = db.session.scalars(
        select(Quote).where(
            Quote.subscription_id == subscription.stripe_id,
            Quote.accepted_at > now() - UNSETTLED_FOR,
            or_(
                Quote.applied_at.is_(None),
                # Made, and not read back since.
                and_(Quote.invoice_id.is_not(None), Quote.charged_amount.is_(None)),
            ),
        )
    ).all()
    if not unsettled and not plan_change.is_between_periods(subscription):
        return subscription
    fresh: Subscription = sync.pull("subscription", subscription.stripe_id)
    for quote in unsettled:
        if is_made(quote, fresh):
            _settle(quote, fresh)
    return fresh


def discard_pending(subscription: Subscription) -> None:
    """Takes back a change that waits for the bank, so that it can never be charged."""
    invoice_id = subscription.latest_invoice_id
    if not subscription.data.get("pending_update") or invoice_id is None:
        return
    try:
        gateway.discard(invoice_id)
    except InvalidRequest:
        log.info("the invoice %s was paid or void already", invoice_id)
    sync.pull("invoice", invoice_id)
    settle(sync.pull("subscription", subscription.stripe_id))
    db.session.execute(
        update(Quote)
        .where(Quote.subscription_id == subscription.stripe_id, Quote.applied_at.is_(None))
        .values(expires_at=now(), accepted_at=None)
    )
    db.session.commit()


def _fresh(quote: Quote) -> Subscription:
    """The subscription as Stripe has it now; when Stripe cannot say, nothing was done yet."""
    with _nothing_done_yet():
        subscription: Subscription = sync.pull("subscription", quote.subscription_id)
    return subscription


@contextmanager
def _nothing_done_yet() -> Iterator[None]:
    """While we only read, no answer means that nothing happened, and that is what to say."""
    try:
        yield
    except StripeUnavailable as error:
        raise StripeBusy from error


@contextmanager
def _undone_on_refusal(quote: Quote) -> Iterator[None]:
    """A refusal changed nothing: the quote is spent, for its key would repeat the refusal.

    Without a usable answer the quote stays accepted, to be sent again under the same key.
    """
    try:
        yield
    except KeySpent as error:
        # Over, and seen not to have been made: under another key it may be asked for again.
        _spend(quote)
        raise QuoteNotUsable from error
    except (StripeUnavailable, StripeBusy, IdempotencyConflict, AuthenticationNeeded):
        raise
    except (InvalidRequest, GoneFromStripe) as error:
        # What the change rests on has gone: a card, a price on offer, a plan without a schedule.
        _spend(quote)
        subscription = sync.pull("subscription", quote.subscription_id)
        sync.pull("customer", subscription.customer_id)
        if quote.promotion_code_id is not None:
            promotion_codes.pull(quote.promotion_code_id)
        raise QuoteNotUsable from error
    except BillingError:
        _spend(quote)
        raise


def _spend(quote: Quote) -> None:
    quote.accepted_at = None
    quote.expires_at = now()
    db.session.commit()


def _check(quote: Quote, subscription: Subscription) -> None:
    """QuoteNotUsable unless the quote is true of the subscription, to the cent, right now."""
    if quote.kind != "change":
        with _nothing_done_yet():
            beginning.check(quote, subscription)
        return
    item = subscription.item
    price = db.session.get(Price, quote.to_price_id)
    if item is None or price is None or now() >= quote.expires_at:
        raise QuoteNotUsable
    meant = change(subscription, price, quote.to_quantity)
    if quote.by_staff:
        meant = at_time(meant, quote.takes_effect, subscription)
    if (
        item.price_id != quote.from_price_id
        or subscription.quantity != quote.from_quantity
        or meant.takes_effect != quote.takes_effect
        or (quote.prorates and subscription.is_trialing != _is_for_trial(quote))
        or _period_has_turned(quote, subscription)
        or plan_change.obstacle(subscription, meant)
    ):
        raise QuoteNotUsable
    if quote.accepted_at is not None or quote.proration_date is None:
        return
    # Balance, discounts or tax may have changed since; what is charged is what was shown.
    with _nothing_done_yet():
        due = quoting.preview(
            quote,
            subscription,
            quoting.changed_price(subscription, price),
            billed_quantity(price, quote.to_quantity),
        )
    if due.amount_due != quote.amount_due or due.currency != quote.currency:
        raise QuoteNotUsable


def _made_by_another_request(quote: Quote) -> bool:
    """Whether a second click finds the change made by the first while it was looking."""
    db.session.refresh(quote)
    if quote.applied_at is not None:
        return True
    if quote.accepted_at is None:
        return False
    subscription = _fresh(quote)
    if is_made(quote, subscription):
        _settle(quote, subscription)
        return True
    return False


def _is_for_trial(quote: Quote) -> bool:
    return quote.takes_effect == TAKES_EFFECT_NOW and quote.proration_date is None


def _period_has_turned(quote: Quote, subscription: Subscription) -> bool:
    if quote.takes_effect != TAKES_EFFECT_NOW:
        return subscription.current_period_end != quote.effective_at
    started = subscription.current_period_start
    return started is not None and started > quote.effective_at


def _accept(quote: Quote) -> None:
    """Remembers that the change was asked for, before Stripe is asked for it."""
    quote.accepted_at = quote.accepted_at or now()
    db.session.commit()


def _change_now(quote: Quote, subscription: Subscription) -> str | None:
    """The id of the subscription's latest invoice after the change."""
    try:
        changed = _update(quote, subscription, "error_if_incomplete", quote.id)
    except AuthenticationNeeded:
        # Nothing was changed. Asked again so that Stripe keeps the change beside an open invoice
        # and makes it when the payer has confirmed.
        changed = _update(quote, subscription, "pending_if_incomplete", f"{quote.id}-pending")
    latest = changed.latest_invoice
    invoice_id = latest if latest is None or isinstance(latest, str) else latest.id
    if changed.pending_update is None:
        return invoice_id
    quote.invoice_id = invoice_id
    db.session.commit()
    waiting = sync.pull("subscription", subscription.stripe_id)
    invoice = sync.pull("invoice", invoice_id)
    if quote.kind == beginning.RESUMPTION and not invoice.needs_confirmation:
        if invoice.is_processing or invoice.is_paid:
            return invoice_id
        said = invoice.decline or {}
        # Left open it would be tried again, and charged on a day nobody chose.
        discard_pending(waiting)
        raise CardDeclined(
            code=said.get("code"),
            decline_code=said.get("decline_code"),
            advice_code=said.get("advice_code"),
        )
    raise AuthenticationNeeded(invoice_id=invoice_id)


def _update(
    quote: Quote,
    subscription: Subscription,
    payment_behavior: gateway.PaymentBehavior,
    idempotency_key: str,
) -> gateway.Changed:
    price = db.session.get(Price, quote.to_price_id)
    item = subscription.item
    if price is None or item is None:
        raise QuoteNotUsable
    if quote.kind != "change":
        return beginning.create(quote, payment_behavior, idempotency_key)
    return gateway.update(
        subscription.stripe_id,
        item_id=item.stripe_id,
        price_id=quoting.changed_price(subscription, price),
        quantity=billed_quantity(price, quote.to_quantity),
        proration_date=quote.proration_date,
        payment_behavior=payment_behavior,
        idempotency_key=idempotency_key,
        discounts=promotion_codes.discounts(subscription, quote.promotion_code_id),
        off_session=quote.by_staff,
    )


def _settled(quote: Quote) -> bool:
    """Whether the change turns out to have been made; then it is settled."""
    subscription = sync.pull("subscription", quote.subscription_id)
    if quote.takes_effect != TAKES_EFFECT_NOW and subscription.schedule_id is not None:
        sync.pull("subscription_schedule", subscription.schedule_id)
    if not is_made(quote, subscription):
        return False
    _settle(quote, subscription)
    db.session.refresh(quote)
    return True


def _settle(quote: Quote, subscription: Subscription) -> None:
    """The change of an accepted quote turns out to have been made."""
    newest = subscription.latest_invoice
    billed = (
        newest is not None
        and (newest.billing_reason == "subscription_update" or quote.kind != "change")
        and newest.created is not None
        and quote.accepted_at is not None
    )
    since = billed and newest.created >= quote.accepted_at - timedelta(minutes=1)
    _applied(quote, quote.invoice_id or (newest.stripe_id if since else None))
    _refresh(quote, drop_scheduled=quote.takes_effect == TAKES_EFFECT_NOW)


def _applied(quote: Quote, invoice_id: str | None) -> None:
    mark_applied(quote, invoice_id)
    db.session.commit()


def _refresh(quote: Quote, *, drop_scheduled: bool) -> None:
    """Pulls what the change touched. It has been made: no answer now is not its failure."""
    try:
        subscription = sync.pull("subscription", quote.subscription_id)
        if drop_scheduled:
            scheduled_change.undo(subscription)
        if quote.invoice_id is not None:
            invoice: Invoice = sync.pull("invoice", quote.invoice_id)
            if invoice.starting_balance:
                # Credit was used, and what is left of it counts for the next charge.
                sync.pull("customer", invoice.customer_id)
    except (StripeUnavailable, StripeBusy):
        log.warning("the mirror of %s waits for its webhook", quote.subscription_id)

"""What is offered to somebody about to cancel: at most one thing, fitting the reason they give.

Too expensive: the retention coupon, else a smaller plan. Not used: a pause, else fewer seats. An
offer is recorded when it is answered, so that staff see which of them work.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from billing import cancellation, pauses, plan_change, retention_coupon, sync
from billing.audit import record
from billing.clock import now
from billing.errors import GoneFromStripe, InvalidRequest, Refused, StripeBusy, StripeUnavailable
from billing.gateway import retention as gateway
from billing.pricing import Cadence, amount_for, change, seats_for
from billing.retention_coupon import Effect
from billing.sync import Written
from models import Account, CancellationOffer, Product, Subscription, db

COUPON, SMALLER_PLAN, PAUSE, FEWER_SEATS = "coupon", "smaller_plan", "pause", "fewer_seats"
REASON_OF = {
    COUPON: "too_expensive",
    SMALLER_PLAN: "too_expensive",
    PAUSE: "unused",
    FEWER_SEATS: "unused",
}


class OfferGone(Refused):
    title = "That offer no longer holds"
    message = "It is not to be had as it was shown. Nothing was changed and nothing was cancelled."


@dataclass(frozen=True)
class Offer:
    """One offer. `amount` is what a period of the smaller `plan` costs, minor units."""

    kind: str
    effect: Effect | None = None
    plan: Product | None = None
    amount: int | None = None

    @property
    def subject(self) -> str | None:
        """What is offered, by id: the coupon, the plan's slug."""
        if self.effect is not None:
            return self.effect.coupon.stripe_id
        return self.plan.slug if self.plan else None


def offers(account: Account, subscription: Subscription) -> dict[str, Offer]:
    """The offer for each reason that has one, from the mirror alone."""
    found = {
        "too_expensive": _coupon(account, subscription) or _smaller_plan(subscription),
        "unused": _pause(subscription) or _fewer_seats(subscription),
    }
    return {reason: offer for reason, offer in found.items() if offer is not None}


def accept(
    account: Account,
    subscription: Subscription,
    kind: str,
    *,
    shown_amount: int | None,
    shown_at: datetime,
    user_id: int,
) -> Offer:
    """The offer, taken: a coupon is redeemed, anything else is for its own page to do.

    `shown_amount` (minor units) is what the reader was told they would pay. Raises OfferGone,
    having changed nothing, when it is not to be had like that; StripeUnavailable when the outcome
    is unknown, in which case accepting again repeats it.
    """
    if kind == COUPON:
        return _redeem(account, subscription, shown_amount, shown_at, user_id)
    offer = offers(account, subscription).get(REASON_OF.get(kind, ""))
    if offer is None or offer.kind != kind:
        raise OfferGone
    _add(account, subscription, offer, "accepted", "led_on", shown_at, user_id)
    db.session.commit()
    return offer


def decline(
    account: Account,
    subscription: Subscription,
    offer: Offer,
    *,
    shown_at: datetime,
    user_id: int,
) -> None:
    """Records that the offer was seen and the subscription cancelled anyway."""
    try:
        _add(account, subscription, offer, "declined", "cancelled", shown_at, user_id)
        db.session.commit()
    except IntegrityError:
        # Answered in another tab a moment ago.
        db.session.rollback()


# The coupon -------------------------------------------------------------------------------------


def _coupon(account: Account, subscription: Subscription) -> Offer | None:
    coupon = retention_coupon.configured()
    if coupon is None or not coupon.can_be_redeemed(now()):
        return None
    answered = _answered(account)
    if answered is not None and answered.outcome != "asked":
        return None
    customer = subscription.customer
    waits = subscription.schedule.next_phase(now()) if subscription.schedule else None
    if (
        subscription.status not in {"active", "trialing"}
        or subscription.pause_collection
        or subscription.data.get("pending_update")
        or waits is not None
        or subscription.data.get("discounts")
        or any(item.data.get("discounts") for item in subscription.items)
        or (customer and customer.data.get("discount"))
    ):
        return None
    effect = retention_coupon.effect(subscription, coupon, now())
    return Offer(COUPON, effect=effect) if effect else None


def _answered(account: Account) -> CancellationOffer | None:
    return db.session.scalar(
        select(CancellationOffer).where(
            CancellationOffer.account_id == account.id, CancellationOffer.offer == COUPON
        )
    )


def _redeem(
    account: Account,
    subscription: Subscription,
    shown_amount: int | None,
    shown_at: datetime,
    user_id: int,
) -> Offer:
    coupon = retention_coupon.configured()
    if coupon is None:
        raise OfferGone
    try:
        sync.pull("coupon", coupon.stripe_id)
        subscription = sync.pull("subscription", subscription.stripe_id)
    except StripeUnavailable as error:
        # Nothing was asked for yet.
        raise StripeBusy from error
    answered = _answered(account)
    if (
        answered is not None
        and answered.outcome == "applied"
        and retention_coupon.is_on(subscription, coupon.stripe_id)
    ):
        # The button was pressed before, and its answer was lost or came to another tab.
        return Offer(COUPON)
    offer = _coupon(account, subscription)
    if offer is None or offer.effect is None or offer.effect.after != shown_amount:
        raise OfferGone
    asked = _ask(account, subscription, offer, shown_at, user_id)
    try:
        gateway.apply(
            subscription.stripe_id,
            coupon_id=coupon.stripe_id,
            idempotency_key=str(asked.idempotency_key),
        )
    except (InvalidRequest, GoneFromStripe) as error:
        asked.outcome = "refused"
        db.session.commit()
        sync.pull("coupon", coupon.stripe_id)
        raise OfferGone from error
    _note_redeemed(asked)
    db.session.commit()
    sync.pull("subscription", subscription.stripe_id)
    return offer


def _ask(
    account: Account, subscription: Subscription, offer: Offer, shown_at: datetime, user_id: int
) -> CancellationOffer:
    """The stored wish, before Stripe is asked; the same one when it was asked for before."""
    asked = _answered(account)
    if asked is None:
        try:
            asked = _add(account, subscription, offer, "accepted", "asked", shown_at, user_id)
            asked.idempotency_key = f"retention:{account.id}:{subscription.stripe_id}"
            db.session.commit()
        except IntegrityError:
            db.session.rollback()
            asked = _answered(account)
    if asked is None or asked.outcome != "asked" or asked.subscription_id != subscription.stripe_id:
        raise OfferGone
    return asked


def _note_redeemed(asked: CancellationOffer) -> None:
    if asked.outcome != "asked":
        return
    asked.outcome = "applied"
    entry = record(
        "subscription.discounted",
        asked.subscription_id,
        after={"coupon": asked.subject},
        account_id=asked.account_id,
    )
    entry.user_id = entry.user_id or asked.user_id


@sync.observer
def notice_redeemed(written: Written) -> None:
    """A coupon whose answer was lost shows in the subscription."""
    if written.kind != "subscription" or not written.row.data.get("discounts"):
        return
    asked = db.session.scalar(
        select(CancellationOffer).where(
            CancellationOffer.subscription_id == written.row.stripe_id,
            CancellationOffer.outcome == "asked",
        )
    )
    if asked is not None and retention_coupon.is_on(written.row, asked.subject or ""):
        _note_redeemed(asked)


# The others -------------------------------------------------------------------------------------


def _smaller_plan(subscription: Subscription) -> Offer | None:
    found = cancellation.cheaper_plan(subscription)
    if found is None:
        return None
    plan, amount = found
    wanted = plan_change.wanted(subscription, plan, None, seats_for(plan, subscription))
    if wanted is None or plan_change.obstacle(subscription, wanted) is not None:
        return None
    return Offer(SMALLER_PLAN, plan=plan, amount=amount)


def _pause(subscription: Subscription) -> Offer | None:
    return Offer(PAUSE) if pauses.obstacle(subscription) is None else None


def _fewer_seats(subscription: Subscription) -> Offer | None:
    plan, price = subscription.plan, subscription.price
    if plan is None or price is None or not plan.is_per_seat:
        return None
    fewer = subscription.quantity - 1
    if fewer < (plan.min_seats or 1):
        return None
    hindered = plan_change.obstacle(subscription, change(subscription, price, fewer))
    # One seat fewer being scheduled already is no reason not to speak of others.
    if hindered is not None and hindered.kind != "already_scheduled":
        return None
    return Offer(FEWER_SEATS)


def _add(
    account: Account,
    subscription: Subscription,
    offer: Offer,
    answer: str,
    outcome: str,
    shown_at: datetime,
    user_id: int,
) -> CancellationOffer:
    price = subscription.price
    row = CancellationOffer(
        account_id=account.id,
        user_id=user_id,
        subscription_id=subscription.stripe_id,
        reason=REASON_OF[offer.kind],
        offer=offer.kind,
        subject=offer.subject,
        amount=amount_for(price, subscription.quantity, subscription.currency) if price else None,
        currency=subscription.currency,
        interval=Cadence.of(price).key if price else "",
        shown_at=shown_at,
        answered_at=now(),
        answer=answer,
        outcome=outcome,
    )
    db.session.add(row)
    record(
        f"cancellation_offer.{answer}",
        subscription.stripe_id,
        after={"reason": row.reason, "offer": row.offer, "subject": row.subject},
        account_id=account.id,
    )
    return row

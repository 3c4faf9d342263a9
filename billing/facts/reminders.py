"""What is about to happen: a trial or a card ends, a year is renewed. Told once for each.

They are looked for every minute (`find`) rather than once a day, so that it does not matter when
the worker was away; the keys make each of them one fact.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select

from billing.clock import now
from billing.facts.telling import tell
from billing.next_charge import next_charge
from models import Account, PaymentMethod, Price, Subscription, SubscriptionItem, db

# Stripe's own reminder comes as early (its docs, "Use trial periods on subscriptions").
TRIAL_AHEAD = timedelta(days=3)
# Early enough to decide, and again when it is close. Shorter periods need no reminder.
RENEWAL_AHEAD = (timedelta(days=7), timedelta(days=30))
CARD_AHEAD = timedelta(days=31)
CHARGE_AHEAD = timedelta(days=7)


def find() -> None:
    """Puts what is coming into the outbox; commits."""
    moment = now()
    for subscription in _trials(moment):
        trial_ending(subscription)
    for subscription in _yearly(moment):
        renewal_coming(subscription)
    for subscription in _with_old_cards(moment):
        card_expiring(subscription)
    db.session.commit()


def trial_ending(subscription: Subscription) -> None:
    """Three days ahead; when half of it is over for a trial shorter than six."""
    end, start = subscription.trial_end, subscription.trial_start
    if not subscription.is_trialing or end is None or subscription.is_ending:
        return
    ahead = min(TRIAL_AHEAD, (end - start) / 2) if start else TRIAL_AHEAD
    if timedelta() < end - now() <= ahead:
        tell(
            "trial_ending",
            f"trial_ending:{subscription.stripe_id}:{end:%Y%m%dT%H%M%S}",
            subscription.customer_id,
            subscription_id=subscription.stripe_id,
            trial_end=int(end.timestamp()),
        )


def renewal_coming(subscription: Subscription) -> None:
    """A month and a week ahead, for what is paid by the year."""
    on, price = subscription.current_period_end, subscription.price
    if subscription.status != "active" or on is None or subscription.is_ending:
        return
    if price is None or price.interval != "year" or subscription.pause_collection:
        return
    left = on - now()
    due = [ahead for ahead in RENEWAL_AHEAD if timedelta() < left <= ahead]
    if due:
        tell(
            "renewal_coming",
            f"renewal_coming:{subscription.stripe_id}:{on:%Y%m%d}:{min(due).days}",
            subscription.customer_id,
            subscription_id=subscription.stripe_id,
            on=int(on.timestamp()),
        )


def card_expiring(subscription: Subscription) -> None:
    """In the last month of the card that pays, and in the week before a charge that it misses."""
    charge = next_charge(subscription, now())
    if charge is None or charge.is_invoiced or charge.is_nothing or charge.method is None:
        return
    expires_on = charge.method.expires_on
    if expires_on is None:
        return
    misses = charge.on.date() > expires_on and charge.on - now() <= CHARGE_AHEAD
    soon = timedelta() <= expires_on - now().date() <= CARD_AHEAD
    if misses or soon:
        which = f"charge-{charge.on:%Y%m%d}" if misses else "month"
        tell(
            "card_expiring",
            f"card_expiring:{charge.method.stripe_id}:{expires_on:%Y%m}:{which}",
            subscription.customer_id,
            subscription_id=subscription.stripe_id,
            payment_method_id=charge.method.stripe_id,
            expires_on=expires_on.isoformat(),
        )


def _trials(moment: datetime) -> Iterable[Subscription]:
    return _of_accounts(
        Subscription.status == "trialing",
        Subscription.trial_end > moment,
        Subscription.trial_end <= moment + TRIAL_AHEAD,
    )


def _yearly(moment: datetime) -> Iterable[Subscription]:
    yearly = (
        select(SubscriptionItem.subscription_id)
        .join(Price, Price.stripe_id == SubscriptionItem.price_id)
        .where(Price.interval == "year")
    )
    return _of_accounts(
        Subscription.status == "active",
        Subscription.current_period_end > moment,
        Subscription.current_period_end <= moment + max(RENEWAL_AHEAD),
        Subscription.stripe_id.in_(yearly),
    )


def _with_old_cards(moment: datetime) -> Iterable[Subscription]:
    """Those whose customer has a card that has expired or will within two months."""
    horizon = moment + 2 * CARD_AHEAD
    ending = select(PaymentMethod.customer_id).where(
        PaymentMethod.deleted_at.is_(None),
        PaymentMethod.customer_id.is_not(None),
        or_(
            PaymentMethod.exp_year < horizon.year,
            and_(PaymentMethod.exp_year == horizon.year, PaymentMethod.exp_month <= horizon.month),
        ),
    )
    return _of_accounts(
        Subscription.status.in_(("active", "trialing", "past_due")),
        Subscription.customer_id.in_(ending),
    )


def _of_accounts(*conditions: object) -> Iterable[Subscription]:
    return db.session.scalars(
        select(Subscription)
        .join(Account, Account.stripe_customer_id == Subscription.customer_id)
        .where(Subscription.deleted_at.is_(None), *conditions)  # type: ignore[arg-type]
    ).all()

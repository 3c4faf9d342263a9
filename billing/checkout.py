"""Buying a first plan by Stripe Checkout, so that an account never ends with two.

What protects from a second subscription, in order: the mirror, Stripe's own list asked at every
start, and one open attempt per account (a unique index), whose idempotency key is committed
before Stripe is called. Another choice closes the attempt before it at Stripe.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from billing import customers, promotion_codes, sync, trials
from billing.audit import record
from billing.clock import from_unix, now
from billing.errors import GoneFromStripe, InvalidRequest, KeySpent, Refused
from billing.gateway import checkout as gateway
from billing.gateway.checkout import Session
from billing.pricing import amount_for, buyable_prices, fixed_currency
from billing.trials import Trial
from models import (
    ENDED_STATUSES,
    Account,
    CheckoutIntent,
    Price,
    Product,
    PromotionCode,
    Subscription,
    User,
    db,
)

# Stripe's docs, "Checkout Session": a session ends by itself after 24 hours.
SESSION_LIFE = timedelta(hours=24)
# Each try settles what it finds in the way; that many rivals at once is not a person clicking.
TRIES = 4


class NotOffered(Refused):
    """The price is not among those that can be bought."""

    status = 404
    title = "That plan is not on offer"
    message = "It may have been replaced. Nothing was bought and you were not charged."


class NotPossible(InvalidRequest):
    """A number of seats or a currency in which the plan is not sold."""

    title = "That cannot be bought like this"


class SeatsNotPossible(NotPossible):
    """A number of seats outside the plan's limits, or no number; `typed` is kept to be mended."""

    def __init__(self, price: Price, plan: Product, typed: str):
        self.price, self.plan, self.typed = price, plan, typed
        self.problem = f"Enter a whole number from {plan.min_seats or 1} to {plan.max_seats}."
        super().__init__(
            f"{plan.name} is sold for {plan.min_seats or 1} to {plan.max_seats} seats. "
            "Nothing was bought and you were not charged.",
            param="quantity",
        )


class AlreadySubscribed(Refused):
    """The account has a live subscription: its plan can be changed, not bought again."""

    title = "You have a subscription already"
    message = "You have a subscription already, so nothing was bought. Change its plan instead."


class NotTheirs(Refused):
    """The session belongs to another account, or to none of ours."""

    status = 404
    title = "Page not found"
    message = "There is nothing at this address, or it belongs to another account."


@dataclass(frozen=True)
class Choice:
    """What somebody wants to buy: a price, how many, in which currency, on which terms."""

    price: Price
    quantity: int
    currency: str
    code: PromotionCode | None = None
    trial: Trial | None = None

    @property
    def plan(self) -> Product:
        plan = self.price.product
        assert plan is not None
        return plan


def choice(form: Mapping[str, str], account: Account, code: PromotionCode | None = None) -> Choice:
    """The choice a form makes, checked against what is offered now.

    `code` is the promotion code the buyer means to use; it is left out where it does not count,
    as the plans page has said.

    Raises NotOffered for a price that cannot be bought, SeatsNotPossible for a number of seats
    and NotPossible for a currency in which it cannot.
    """
    wanted = form.get("price", "")
    price = next(
        (p for plan in Product.offered() for p in buyable_prices(plan) if p.stripe_id == wanted),
        None,
    )
    if price is None or price.product is None:
        raise NotOffered
    quantity = _quantity(form, price, price.product)
    currency = _currency(form, price, account)
    amount = amount_for(price, quantity, currency)
    if code and promotion_codes.obstacle(code, price.product, amount, currency):
        code = None
    return Choice(price, quantity, currency, code, trials.offered(price.product, account))


def _quantity(form: Mapping[str, str], price: Price, plan: Product) -> int:
    given = form.get("quantity", "").strip()
    low, high = (plan.min_seats or 1, plan.max_seats) if plan.is_per_seat else (1, 1)
    if not given:
        return low
    quantity = int(given) if given.isascii() and given.isdigit() and len(given) < 7 else 0
    if quantity < low or (high is not None and quantity > high):
        if plan.is_per_seat:
            raise SeatsNotPossible(price, plan, given)
        raise NotPossible(
            f"{plan.name} is sold for one subscription, not seats. "
            "Nothing was bought and you were not charged.",
            param="quantity",
        )
    return quantity


def _currency(form: Mapping[str, str], price: Price, account: Account) -> str:
    fixed = fixed_currency(account)
    currency = form.get("currency", "").strip().lower() or fixed or price.currency
    if currency not in price.currencies:
        raise NotPossible(
            "This plan is not sold in that currency. Nothing was bought and you were not charged.",
            param="currency",
        )
    if fixed and currency != fixed:
        raise NotPossible(
            f"You pay in {fixed.upper()}, and an account pays in one currency at a time. "
            "Nothing was bought and you were not charged.",
            param="currency",
        )
    return currency


def start(account: Account, user: User, wanted: Choice, *, site_url: str) -> str:
    """The address of the Stripe page where `wanted` is paid.

    The same choice again gives the same page. Raises AlreadySubscribed when the account has a
    live subscription in the mirror or at Stripe, and what Stripe's refusals become.
    """
    try:
        _refuse_second(account)
        customer = customers.of(account, email=user.email)
        _ask_stripe(customer)
    except AlreadySubscribed:
        _close_leftover(account)
        raise
    for _ in range(TRIES):
        # What was just settled may have been the account's one trial.
        wanted = replace(wanted, trial=trials.offered(wanted.plan, account))
        intent = _open_intent(account) or _new_intent(account, user, wanted)
        if intent is None:
            continue
        try:
            session = _session(intent, customer, site_url)
        except KeySpent:
            # It would fail under this key until the attempt is too old. A page that it may have
            # made all the same must not stay open beside the next one.
            for left in gateway.open_sessions_of(customer):
                _settle(intent, _close(left.id))
            finish(intent.id, "expired")
            continue
        if session is not None and session.status == "open":
            if _is_for(intent, wanted) and session.url:
                return session.url
            session = _close(session.id)
        _settle(intent, session)
    raise Refused("Several people are subscribing this account at once. Try again in a minute.")


def _refuse_second(account: Account) -> None:
    subscription = account.subscription
    if subscription is not None and subscription.is_live:
        raise AlreadySubscribed


def _ask_stripe(customer: str) -> None:
    """A subscription that Stripe has and the mirror missed is pulled, and ends the attempt."""
    for found in gateway.subscriptions_of(customer):
        if found.status not in ENDED_STATUSES:
            sync.pull("subscription", found.id)
            raise AlreadySubscribed


def _close_leftover(account: Account) -> None:
    """Closes a page still open in some tab, where a second subscription could be paid."""
    intent = _open_intent(account)
    if intent is not None and intent.session_id is not None:
        session = _close(intent.session_id)
        finish(intent.id, "complete" if session.status == "complete" else "expired")


def _open_intent(account: Account) -> CheckoutIntent | None:
    return db.session.scalar(
        select(CheckoutIntent)
        .where(CheckoutIntent.account_id == account.id, CheckoutIntent.status == "open")
        .execution_options(populate_existing=True)
    )


def _new_intent(account: Account, user: User, wanted: Choice) -> CheckoutIntent | None:
    """A stored, committed attempt; None when another request stored one first."""
    intent = CheckoutIntent(
        account_id=account.id,
        user_id=user.id,
        price_id=wanted.price.stripe_id,
        quantity=wanted.quantity,
        currency=wanted.currency,
        promotion_code_id=_code_id(wanted),
        trial_days=wanted.trial.days if wanted.trial else None,
        trial_needs_method=wanted.trial.needs_method if wanted.trial else None,
        idempotency_key=f"checkout-{secrets.token_urlsafe(24)}",
        created_at=now(),
    )
    db.session.add(intent)
    record(
        "checkout.started",
        wanted.price.stripe_id,
        after={
            "quantity": wanted.quantity,
            "currency": wanted.currency,
            "trial_days": intent.trial_days,
        },
        account_id=account.id,
    )
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        return None
    return intent


def _is_for(intent: CheckoutIntent, wanted: Choice) -> bool:
    chosen = (intent.price_id, intent.quantity, intent.currency)
    asked = (wanted.price.stripe_id, wanted.quantity, wanted.currency)
    terms = (intent.promotion_code_id, _trial_of(intent))
    return chosen == asked and terms == (_code_id(wanted), wanted.trial)


def _code_id(wanted: Choice) -> str | None:
    return wanted.code.stripe_id if wanted.code else None


def _trial_of(intent: CheckoutIntent) -> Trial | None:
    if intent.trial_days is None:
        return None
    return Trial(intent.trial_days, bool(intent.trial_needs_method))


def _session(intent: CheckoutIntent, customer: str, site_url: str) -> Session | None:
    """The attempt's session as Stripe has it; None when the attempt is too old to have a live one.

    An attempt without one was cut off while Stripe answered: the same key brings the same session.
    """
    if intent.session_id:
        try:
            return gateway.retrieve(intent.session_id)
        except GoneFromStripe:
            return None
    if now() - intent.created_at >= SESSION_LIFE:
        return None
    price = db.session.get(Price, intent.price_id)
    metered = price is not None and price.usage_type == "metered"
    try:
        session = gateway.start(
            customer=customer,
            account_id=str(intent.account_id),
            price=intent.price_id,
            quantity=None if metered else intent.quantity,
            currency=intent.currency,
            promotion_code=intent.promotion_code_id,
            success_url=f"{site_url}/checkout/return?session_id={{CHECKOUT_SESSION_ID}}",
            cancel_url=f"{site_url}/plans",
            trial_days=intent.trial_days,
            trial_needs_method=bool(intent.trial_needs_method),
            idempotency_key=intent.idempotency_key,
        )
    except InvalidRequest as error:
        if intent.promotion_code_id is None:
            raise
        # It expired or was used up since it was typed. Its key would repeat the refusal.
        finish(intent.id, "expired")
        promotion_codes.pull(intent.promotion_code_id)
        raise promotion_codes.CodeRefused from error
    intent.session_id, intent.session_url = session.id, session.url
    intent.expires_at = from_unix(session.expires_at)
    db.session.commit()
    # A replayed answer shows the session as it was when it was made.
    return gateway.retrieve(session.id)


def _close(session_id: str) -> Session:
    """The session after it was closed, or as it is when it could not be: somebody just paid."""
    try:
        return gateway.expire(session_id)
    except InvalidRequest:
        return gateway.retrieve(session_id)


def _settle(intent: CheckoutIntent, session: Session | None) -> None:
    """Ends the attempt; AlreadySubscribed when it had been paid."""
    complete = session is not None and session.status == "complete"
    finish(intent.id, "complete" if complete else "expired")
    if session is not None and complete:
        subscription = pull(session)
        if subscription is not None and subscription.is_live:
            raise AlreadySubscribed


def finish(intent_id: int, status: str) -> None:
    """Marks an open attempt complete or expired; one that is already ended stays as it is."""
    db.session.execute(
        update(CheckoutIntent)
        .where(CheckoutIntent.id == intent_id, CheckoutIntent.status == "open")
        .values(status=status)
    )
    db.session.commit()


@dataclass(frozen=True)
class Returned:
    """What became of a session: `status` is Stripe's (open, complete or expired)."""

    status: str
    url: str | None
    subscription: Subscription | None


def returned(account: Account, session_id: str) -> Returned:
    """What became of the account's session; what it made is in the mirror afterwards.

    Raises NotTheirs for a session that is not the account's own, or that does not exist.
    """
    try:
        session = gateway.retrieve(session_id)
    except GoneFromStripe as error:
        raise NotTheirs from error
    theirs = session.client_reference_id == str(account.id)
    if not theirs or _id(session.customer) != account.stripe_customer_id:
        raise NotTheirs
    subscription = pull(session) if session.status == "complete" else None
    intent = db.session.scalar(
        select(CheckoutIntent).where(
            CheckoutIntent.session_id == session.id, CheckoutIntent.account_id == account.id
        )
    )
    if intent is not None and intent.status == "open" and session.status in {"complete", "expired"}:
        if session.status == "complete":
            record("checkout.completed", session.id, account_id=account.id)
        finish(intent.id, session.status)
    return Returned(session.status or "open", session.url, subscription)


def pull(session: Session) -> Subscription | None:
    """Brings what a paid session made into the mirror; the subscription, when it made one."""
    customer, subscription, invoice = (
        _id(session.customer),
        _id(session.subscription),
        _id(session.invoice),
    )
    found = sync.pull("subscription", subscription) if subscription else None
    if invoice:
        sync.pull("invoice", invoice)
    if customer:
        sync.pull("customer", customer)
    if found is not None and found.default_payment_method_id:
        sync.pull("payment_method", found.default_payment_method_id)
    return found


def _id(reference: Any) -> str | None:
    """The id of a reference that may come expanded."""
    return reference if reference is None or isinstance(reference, str) else reference.id

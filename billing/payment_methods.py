"""Saved payment methods: what each is used for, adding, making default, removing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from billing import customers, declines, sync
from billing.audit import record
from billing.clock import now
from billing.declines import Decline
from billing.errors import BillingError, GoneFromStripe, InvalidRequest, Refused
from billing.gateway import default_payment_method, detachment, setup_intents
from billing.next_charge import next_charge
from billing.upcoming_charges import UpcomingCharge
from models import ENDED_STATUSES, Account, AuditEntry, Invoice, PaymentMethod, Subscription, db


@dataclass(frozen=True)
class SavedMethod:
    """A saved method and what it means to the account.

    `bills` are the live subscriptions charged to it; `would_move` those that have another
    method of their own and would follow when this one becomes the default. `misses` is the first
    charge to it that comes after it has expired; `decline` what the bank said to the last payment
    with it, while its invoice is open (as `Invoice.decline`).
    """

    method: PaymentMethod
    is_default: bool
    bills: Sequence[Subscription]
    would_move: Sequence[Subscription]
    misses: UpcomingCharge | None = None
    decline: dict[str, Any] | None = None

    @property
    def is_expired(self) -> bool:
        return self.method.is_expired(now())


@dataclass(frozen=True)
class Addition:
    """How adding a method ended.

    `state`: saved, already_saved (a duplicate, the new copy was dropped), replaced (the same
    card with a new expiry took the old one's place), seen (settled on an earlier visit),
    processing, failed, unfinished, canceled.
    """

    state: str
    method: PaymentMethod | None = None
    made_default: bool = False
    decline: Decline | None = None
    continue_url: str | None = None


@dataclass(frozen=True)
class Removal:
    """What removing a method would take: `others` can take its place."""

    method: PaymentMethod
    is_default: bool
    bills: Sequence[Subscription]
    owes: Sequence[Invoice]
    others: Sequence[PaymentMethod]

    @property
    def is_needed(self) -> bool:
        return bool(self.bills or self.owes)

    @property
    def is_refused(self) -> bool:
        """It is the last one that works, and something is billed by it."""
        return self.is_needed and not self.others

    @property
    def asks_for_another(self) -> bool:
        return (self.is_needed or self.is_default) and bool(self.others)


def live_subscriptions(account: Account) -> Sequence[Subscription]:
    """The account's subscriptions that are not over, newest first."""
    return db.session.scalars(
        select(Subscription)
        .where(
            Subscription.customer_id == account.stripe_customer_id,
            Subscription.status.not_in(ENDED_STATUSES),
            Subscription.deleted_at.is_(None),
        )
        .order_by(Subscription.created.desc(), Subscription.stripe_id)
    ).all()


def saved(account: Account) -> list[SavedMethod]:
    """The account's saved methods, the default first, then the newest."""
    if account.customer is None:
        return []
    default = account.customer.default_payment_method_id
    subscriptions = live_subscriptions(account)
    declined = _declined(account)
    found = [
        SavedMethod(
            method=method,
            is_default=method.stripe_id == default,
            bills=[s for s in subscriptions if _charged_to(s, account) == method.stripe_id],
            would_move=_pinned_elsewhere(subscriptions, method),
            misses=_missed_charge(subscriptions, method),
            decline=declined.get(method.stripe_id),
        )
        for method in account.customer.payment_methods
    ]
    return sorted(found, key=lambda one: not one.is_default)


def _missed_charge(
    subscriptions: Sequence[Subscription], method: PaymentMethod
) -> UpcomingCharge | None:
    charges = [next_charge(subscription, now()) for subscription in subscriptions]
    missed = [
        charge
        for charge in charges
        if charge
        and charge.is_method_expired
        and not (charge.is_invoiced or charge.is_nothing)
        and charge.method
        and charge.method.stripe_id == method.stripe_id
    ]
    return min(missed, key=lambda charge: charge.on, default=None)


def _declined(account: Account) -> dict[str, dict[str, Any]]:
    """What the bank said, by the id of the method, for invoices that are still open."""
    open_ones = db.session.scalars(
        select(Invoice).where(
            Invoice.customer_id == account.stripe_customer_id,
            Invoice.status == "open",
            Invoice.deleted_at.is_(None),
        )
    )
    said = [invoice.decline for invoice in open_ones]
    return {decline["payment_method"]: decline for decline in said if decline}


def _charged_to(subscription: Subscription, account: Account) -> str | None:
    if subscription.collection_method != "charge_automatically":
        return None
    default = account.customer.default_payment_method_id if account.customer else None
    return subscription.default_payment_method_id or default


def _pinned_elsewhere(
    subscriptions: Sequence[Subscription], method: PaymentMethod
) -> list[Subscription]:
    return [
        s
        for s in subscriptions
        if s.default_payment_method_id and s.default_payment_method_id != method.stripe_id
    ]


# Adding -----------------------------------------------------------------------------------------


def begin(account: Account, attempt: str, *, email: str) -> str:
    """The client secret with which the page saves a method; the customer is made if missing.

    The same `attempt` gets the same setup intent.
    """
    customer_id = customers.of(account, email=email)
    intent = setup_intents.create(customer_id, idempotency_key=f"setup:{customer_id}:{attempt}")
    if intent.client_secret is None:
        raise Refused("This could not be started. Nothing was saved. Please try again.")
    return intent.client_secret


def finish(account: Account, setup_intent_id: str, *, make_it_default: bool) -> Addition | None:
    """What became of a setup intent; None when it is not this account's.

    Safe to come back to: an intent is acted on once. The first method becomes the default.
    """
    try:
        intent = setup_intents.retrieve(setup_intent_id)
    except GoneFromStripe:
        return None
    if account.stripe_customer_id is None or str(intent.customer) != account.stripe_customer_id:
        return None
    if intent.status == "requires_payment_method":
        failure = intent.last_setup_error
        return Addition("failed", decline=_decline(failure) if failure else None)
    if intent.status != "succeeded":
        states = {"processing": "processing", "canceled": "canceled"}
        return Addition(
            states.get(intent.status, "unfinished"),
            continue_url=setup_intents.deposits_url(intent),
        )
    method = sync.pull("payment_method", str(intent.payment_method))
    if _was_acted_on(intent.id):
        return Addition("seen", method)
    sync.pull("customer", account.stripe_customer_id)
    addition = _settle(account, method, make_it_default)
    record(
        "payment_method.added",
        intent.id,
        after={"payment_method": addition.method and addition.method.stripe_id},
    )
    db.session.commit()
    return addition


def _decline(failure: setup_intents.Failure) -> Decline:
    return declines.explain(failure.code, failure.decline_code, failure.advice_code)


def _was_acted_on(setup_intent_id: str) -> bool:
    return (
        db.session.scalar(
            select(AuditEntry.id).where(
                AuditEntry.action == "payment_method.added",
                AuditEntry.subject == setup_intent_id,
            )
        )
        is not None
    )


def _settle(account: Account, method: PaymentMethod, make_it_default: bool) -> Addition:
    """Recognises a method that is saved already, then sets the default."""
    customer = account.customer
    assert customer is not None
    twins = [m for m in customer.payment_methods if _is_same(m, method)]
    same = next((m for m in twins if _expiry(m) == _expiry(method)), None)
    kept = same or method
    dropped = [m for m in (*twins, method) if m.stripe_id != kept.stripe_id]
    gone = {m.stripe_id for m in dropped}
    default = customer.default_payment_method_id
    is_first = default is None and {m.stripe_id for m in customer.payment_methods} <= {
        kept.stripe_id,
        *gone,
    }
    if make_it_default:
        make_default(account, kept)
    elif is_first or default in gone:
        # Subscriptions stay with what they have: nobody asked to move them.
        default_payment_method.set_for_customer(customer.stripe_id, kept.stripe_id)
    for subscription in live_subscriptions(account):
        if subscription.default_payment_method_id in gone:
            default_payment_method.set_for_subscription(subscription.stripe_id, kept.stripe_id)
            sync.pull("subscription", subscription.stripe_id)
    for one in dropped:
        detach(one.stripe_id)
    sync.pull("customer", customer.stripe_id)
    state = "already_saved" if same else "replaced" if dropped else "saved"
    return Addition(state, kept, made_default=make_it_default or is_first)


def _is_same(one: PaymentMethod, other: PaymentMethod) -> bool:
    """Stripe's fingerprint names the card or bank account itself, however often it is saved."""
    return (
        one.stripe_id != other.stripe_id
        and other.fingerprint is not None
        and (one.type, one.fingerprint, one.wallet) == (other.type, other.fingerprint, other.wallet)
    )


def _expiry(method: PaymentMethod) -> tuple[int | None, int | None]:
    return method.exp_year, method.exp_month


# The default ------------------------------------------------------------------------------------


def make_default(account: Account, method: PaymentMethod) -> list[Subscription]:
    """Charges everything to the method from now on; the subscriptions that had to be moved.

    A subscription with a method of its own does not follow the customer's default, so each such
    one is set too. Raises Refused, with the default changed, when one could not be moved.
    """
    default_payment_method.set_for_customer(account.stripe_customer_id, method.stripe_id)
    sync.pull("customer", account.stripe_customer_id)
    moved = []
    for subscription in _pinned_elsewhere(live_subscriptions(account), method):
        try:
            default_payment_method.set_for_subscription(subscription.stripe_id, method.stripe_id)
        except BillingError as error:
            raise Refused(
                "It is your default now, but a subscription still uses its old payment method. "
                "Nothing was charged. Make it the default again in a minute."
            ) from error
        sync.pull("subscription", subscription.stripe_id)
        moved.append(subscription)
    record(
        "payment_method.made_default",
        method.stripe_id,
        after={"subscriptions": [s.stripe_id for s in moved]},
    )
    db.session.commit()
    return moved


# Removing ---------------------------------------------------------------------------------------


def removal(account: Account, method: PaymentMethod) -> Removal:
    """What stands in the way of removing the method, and what could take its place."""
    all_saved = saved(account)
    this = next(one for one in all_saved if one.method.stripe_id == method.stripe_id)
    bills = [s for s in this.bills if not s.is_ending]
    return Removal(
        method=method,
        is_default=this.is_default,
        bills=bills,
        owes=_owed(account) if this.is_default or this.bills else [],
        others=_that_could_pay(all_saved, method),
    )


def _that_could_pay(
    all_saved: Sequence[SavedMethod], besides: PaymentMethod
) -> list[PaymentMethod]:
    """The other methods that have not expired, those that soon will at the end."""
    others = [
        one.method
        for one in all_saved
        if one.method.stripe_id != besides.stripe_id and not one.method.is_expired(now())
    ]
    return sorted(others, key=lambda method: method.expires_soon(now()))


def _owed(account: Account) -> Sequence[Invoice]:
    return db.session.scalars(
        select(Invoice).where(
            Invoice.customer_id == account.stripe_customer_id,
            Invoice.status == "open",
            Invoice.collection_method == "charge_automatically",
            Invoice.amount_remaining > 0,
            Invoice.deleted_at.is_(None),
        )
    ).all()


def remove(account: Account, method: PaymentMethod, *, instead: PaymentMethod | None) -> None:
    """Detaches the method; `instead` takes its place when it is in use.

    Raises Refused when it is needed and nothing takes its place.
    """
    found = removal(account, method)
    if found.is_refused:
        raise Refused("Something is still billed to it. It was not removed.")
    if found.asks_for_another:
        chosen = instead and instead.stripe_id
        if chosen not in {other.stripe_id for other in found.others}:
            raise Refused("Choose what is used instead. It was not removed.")
        make_default(account, instead)
    detach(method.stripe_id)
    sync.pull("customer", account.stripe_customer_id)
    record(
        "payment_method.removed",
        method.stripe_id,
        before={"type": method.type, "brand": method.brand, "last4": method.last4},
        after={"instead": instead.stripe_id} if instead else None,
    )
    db.session.commit()


def detach(payment_method_id: str) -> None:
    """Takes it off the customer, at Stripe and in the mirror; fine when it is off already."""
    try:
        detachment.create(payment_method_id)
    except (InvalidRequest, GoneFromStripe):
        pulled = sync.pull("payment_method", payment_method_id)
        if pulled is not None and pulled.customer_id is not None and pulled.deleted_at is None:
            raise
        return
    sync.pull("payment_method", payment_method_id)

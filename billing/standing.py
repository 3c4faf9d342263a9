"""Where an account stands: the state its pages lead with, the next charge, and what to do.

`standing/` templates choose the words by `Standing.state`; what is true is decided here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from billing.clock import from_unix
from billing.next_charge import next_charge
from billing.pricing import Cadence, amount_for
from billing.upcoming_charges import UpcomingCharge
from models import Account, Invoice, PaymentMethod, Price, Product, Subscription, db

# Stripe's docs, "How subscriptions work": an unpaid first invoice expires after 23 hours.
HOURS_TO_FINISH_FIRST_PAYMENT = 23
CALM, ATTENTION, TROUBLE = "calm", "warning", "danger"
TONES = {
    "trial_without_method": ATTENTION,
    "no_method": ATTENTION,
    "expired_method": ATTENTION,
    "incomplete": ATTENTION,
    "paused": ATTENTION,
    "past_due": TROUBLE,
    "unpaid": TROUBLE,
    "open_invoices": ATTENTION,
}


@dataclass(frozen=True)
class ScheduledChange:
    """What the subscription changes to, and when; `plan` is None when we do not know it."""

    plan: Product | None
    price: Price | None
    quantity: int | None
    on: datetime

    @property
    def cadence(self) -> Cadence | None:
        return Cadence.of(self.price) if self.price else None


@dataclass(frozen=True)
class Standing:
    """What the first sentence says. Amounts are minor units, times UTC.

    `state` is one of: none, active, no_method, expired_method, ending, changing,
    collection_paused, trialing, trial_without_method, trial_ending, past_due, unpaid, incomplete,
    incomplete_expired, canceled, paused, unknown, open_invoices.
    """

    state: str
    subscription: Subscription | None = None
    charge: UpcomingCharge | None = None
    change: ScheduledChange | None = None
    invoice: Invoice | None = None
    open_invoices: tuple[Invoice, ...] = ()
    deadline: datetime | None = None

    @property
    def tone(self) -> str:
        return TONES.get(self.state, CALM)

    @property
    def plan_name(self) -> str:
        plan = self.subscription.plan if self.subscription else None
        return plan.name if plan else "your plan"

    @property
    def method(self) -> PaymentMethod | None:
        return self.subscription.payment_method if self.subscription else None

    @property
    def cadence(self) -> Cadence | None:
        price = self.subscription.price if self.subscription else None
        return Cadence.of(price) if price and price.is_recurring else None

    @property
    def resumes_on(self) -> datetime | None:
        """When a paused collection of payments starts again by itself."""
        paused = self.subscription.pause_collection if self.subscription else None
        return from_unix(paused.get("resumes_at")) if paused else None

    @property
    def recurring_amount(self) -> int | None:
        """What the plan's item costs for one period, before discounts and tax."""
        s = self.subscription
        return amount_for(s.price, s.quantity, s.currency) if s and s.price else None

    @property
    def open_total(self) -> int | None:
        """What is left to pay of the open invoices; None when they are of several currencies."""
        if len({invoice.currency for invoice in self.open_invoices}) != 1:
            return None
        return sum(invoice.amount_remaining for invoice in self.open_invoices)


def standing(account: Account, now: datetime) -> Standing:
    """Where the account stands at `now`, from the mirror alone."""
    subscription = account.subscription
    if subscription is None:
        owed = _open_invoices(account.stripe_customer_id)
        return Standing("open_invoices" if owed else "none", open_invoices=owed)
    owed = _open_invoices(subscription.customer_id)
    own = [i for i in owed if i.subscription_id == subscription.stripe_id]
    facts: dict[str, Any] = {
        "subscription": subscription,
        "charge": next_charge(subscription, now),
        "change": scheduled_change(subscription, now),
        "open_invoices": owed,
        "invoice": own[0] if own else None,
    }
    if subscription.status == "incomplete" and subscription.created is not None:
        hours = timedelta(hours=HOURS_TO_FINISH_FIRST_PAYMENT)
        facts["deadline"] = subscription.created + hours
    return Standing(_state(subscription, facts["charge"], facts["change"], now), **facts)


def _state(
    subscription: Subscription,
    charge: UpcomingCharge | None,
    change: ScheduledChange | None,
    now: datetime,
) -> str:
    match subscription.status:
        case "trialing":
            return _trial_state(subscription, charge, now)
        case "active":
            return _active_state(subscription, charge, change, now)
        case (
            "past_due" | "unpaid" | "incomplete" | "incomplete_expired" | "canceled" | "paused"
        ) as status:
            return status
        case _:
            return "unknown"


def _trial_state(subscription: Subscription, charge: UpcomingCharge | None, now: datetime) -> str:
    if subscription.is_ending and charge is None:
        return "trial_ending"
    if charge and not charge.is_invoiced and charge.method is None and not charge.is_nothing:
        return "trial_without_method"
    return "trialing"


def _active_state(
    subscription: Subscription,
    charge: UpcomingCharge | None,
    change: ScheduledChange | None,
    now: datetime,
) -> str:
    if subscription.pause_collection:
        return "collection_paused"
    if subscription.is_ending:
        return "ending"
    if charge and not charge.is_invoiced and not charge.is_nothing:
        if charge.method is None:
            return "no_method"
        expires_on = charge.method.expires_on
        if expires_on is not None and expires_on < charge.on.date():
            return "expired_method"
    return "changing" if change else "active"


def scheduled_change(subscription: Subscription, now: datetime) -> ScheduledChange | None:
    """The change that a live schedule makes next, when it is one a subscriber would notice."""
    schedule = subscription.schedule
    phase = schedule.next_phase(now) if schedule else None
    if phase is None or not phase["items"]:
        return None
    item = phase["items"][0]
    reference = item["price"]
    price_id = reference["id"] if isinstance(reference, dict) else reference
    current = subscription.item
    if current and current.price_id == price_id and current.quantity == item.get("quantity"):
        return None
    price = db.session.get(Price, price_id)
    starts = datetime.fromtimestamp(phase["start_date"], now.tzinfo)
    return ScheduledChange(price.product if price else None, price, item.get("quantity"), starts)


def _open_invoices(customer_id: str | None) -> tuple[Invoice, ...]:
    """Invoices still to be paid, the newest first; not those with a payment on its way."""
    if customer_id is None:
        return ()
    found = db.session.scalars(
        select(Invoice)
        .where(
            Invoice.customer_id == customer_id,
            Invoice.status == "open",
            Invoice.amount_remaining > 0,
            Invoice.deleted_at.is_(None),
        )
        .order_by(Invoice.created.desc())
    )
    return tuple(invoice for invoice in found if invoice.can_be_paid)

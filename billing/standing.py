"""Where an account stands: the state its pages lead with, the next charge, and what to do.

`standing/` templates choose the words by `Standing.state`; what is true is decided here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from billing import owed
from billing.access import TIME_FOR_FIRST_PAYMENT, Decision, decide
from billing.clock import from_unix
from billing.price_changes import coming
from billing.price_changes.coming import ComingPrice
from billing.pricing import Cadence, amount_for
from billing.upcoming_charges import UpcomingCharge, is_awaiting_news, upcoming_charges
from models import Account, Invoice, PaymentMethod, Price, Product, Subscription, db

CALM, ATTENTION, TROUBLE = "calm", "warning", "danger"
TONES = {
    "trial_without_method": ATTENTION,
    "no_method": ATTENTION,
    "expired_method": ATTENTION,
    "incomplete": ATTENTION,
    "paused": ATTENTION,
    "payment_on_its_way": ATTENTION,
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

    `state` is one of: none, active, renewing (its period is over and we have not heard how the
    renewal went), no_method, expired_method, ending, changing, collection_paused, trialing,
    trial_without_method, trial_ending, past_due, payment_on_its_way, unpaid, incomplete,
    incomplete_expired, canceled, paused, unknown, open_invoices.
    """

    state: str
    access: Decision
    subscription: Subscription | None = None
    charges: tuple[UpcomingCharge, ...] = ()
    change: ScheduledChange | None = None
    coming_price: ComingPrice | None = None
    invoice: Invoice | None = None
    open_invoices: tuple[Invoice, ...] = ()
    deadline: datetime | None = None

    @property
    def charge(self) -> UpcomingCharge | None:
        """The next charge: the first of all that come."""
        return self.charges[0] if self.charges else None

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
    def ended_on(self) -> datetime | None:
        """When it ended, also where the mirror has not heard of it yet."""
        s = self.subscription
        return (s.ended_at or s.ends_on) if s else None

    @property
    def without_method(self) -> str:
        """What Stripe does when the trial ends without a payment method: cancel, pause or
        create_invoice."""
        settings = (self.subscription.data.get("trial_settings") or {}) if self.subscription else {}
        behavior = (settings.get("end_behavior") or {}).get("missing_payment_method")
        return behavior or "create_invoice"

    @property
    def open_total(self) -> int | None:
        """What is left to pay of the open invoices; None when they are of several currencies."""
        if len({invoice.currency for invoice in self.open_invoices}) != 1:
            return None
        return sum(invoice.amount_remaining for invoice in self.open_invoices)


def standing(account: Account, now: datetime) -> Standing:
    """Where the account stands at `now`, from the mirror alone."""
    subscription, access = account.subscription, decide(account, now)
    customer_id = account.stripe_customer_id
    owed = _open_invoices(customer_id)
    charges = tuple(upcoming_charges(customer_id, now))
    if subscription is None:
        state = "open_invoices" if owed else "none"
        return Standing(state, access, charges=charges, open_invoices=owed)
    own = [i for i in owed if i.subscription_id == subscription.stripe_id]
    created = subscription.created
    facts = Standing(
        "unknown",
        access,
        subscription=subscription,
        charges=charges,
        change=scheduled_change(subscription, now),
        coming_price=coming.of(subscription, now),
        open_invoices=owed,
        invoice=own[0] if own else None,
        deadline=created + TIME_FOR_FIRST_PAYMENT if created else None,
    )
    return replace(facts, state=_state(facts, subscription, now))


def _state(facts: Standing, subscription: Subscription, now: datetime) -> str:
    ends_on = subscription.ends_on
    if ends_on is not None and ends_on <= now:
        return "canceled"
    match subscription.status:
        case "trialing" | "active" if is_awaiting_news(subscription, now):
            return "renewing"
        case "trialing":
            return _trial_state(facts, subscription)
        case "active":
            return _active_state(facts, subscription)
        case "past_due" | "unpaid" if facts.invoice is None and _pays(subscription):
            return "payment_on_its_way"
        case (
            "past_due" | "unpaid" | "incomplete" | "incomplete_expired" | "canceled" | "paused"
        ) as status:
            return status
        case _:
            return "unknown"


def _pays(subscription: Subscription) -> bool:
    """Whether a payment of its latest invoice is on its way, as a bank debit is for days."""
    return subscription.latest_invoice is not None and subscription.latest_invoice.is_processing


def _trial_state(facts: Standing, subscription: Subscription) -> str:
    charge = facts.charge
    if subscription.is_ending and charge is None:
        return "trial_ending"
    if charge and not charge.is_invoiced and charge.method is None and not charge.is_nothing:
        return "trial_without_method"
    return "trialing"


def _active_state(facts: Standing, subscription: Subscription) -> str:
    charge = facts.charge
    if subscription.pause_collection:
        return "collection_paused"
    if subscription.is_ending:
        return "ending"
    if charge and not charge.is_invoiced and not charge.is_nothing:
        if charge.method is None:
            return "no_method"
        if charge.is_method_expired:
            return "expired_method"
    return "changing" if facts.change else "active"


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
    if current and current.quantity == item.get("quantity"):
        # The price alone may change by the operator's doing, which is no change of theirs.
        is_same = current.price_id == price_id
        if is_same or coming.is_move(subscription.stripe_id, current.price_id, price_id):
            return None
    price = db.session.get(Price, price_id)
    starts = datetime.fromtimestamp(phase["start_date"], now.tzinfo)
    return ScheduledChange(price.product if price else None, price, item.get("quantity"), starts)


def _open_invoices(customer_id: str | None) -> tuple[Invoice, ...]:
    """Invoices still to be paid, the newest first."""
    return tuple(reversed(owed.invoices(customer_id)))

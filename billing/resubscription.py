"""Subscribing again: what an account had before it ended, and what that costs today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from billing import trials
from billing.pricing import Cadence, amount_for, fixed_currency, price_for
from billing.trials import Trial
from models import Account, Price, Product, Subscription


@dataclass(frozen=True)
class Resubscription:
    """The old choices on today's terms. Amounts are minor units of `currency` for one period.

    `plan` is the plan they had, or the one that took its place; `seats` are those they had, within
    what it allows. `old_amount` is what the same seats cost before, None when unknown. `trial` is
    the free trial it begins with, for who never had theirs: the order before was not paid.
    """

    subscription: Subscription
    plan: Product
    price: Price
    seats: int
    currency: str
    amount: int | None
    old_amount: int | None
    trial: Trial | None

    @property
    def is_same_plan(self) -> bool:
        held = self.subscription.plan
        return held is not None and held.stripe_id == self.plan.stripe_id

    @property
    def ended_at(self) -> datetime | None:
        """None for one that never began, its first payment not being made."""
        return self.subscription.ended_at if self.subscription.status == "canceled" else None

    @property
    def cadence(self) -> Cadence:
        return Cadence.of(self.price)

    @property
    def old_cadence(self) -> Cadence:
        held = self.subscription.price
        return Cadence.of(held) if held else self.cadence

    @property
    def seats_lost(self) -> int:
        held = self.subscription.plan
        return max(self.subscription.quantity - self.seats, 0) if held and held.is_per_seat else 0

    @property
    def costs_as_before(self) -> bool:
        return self.old_amount == self.amount and self.old_cadence == self.cadence


def of(account: Account | None) -> Resubscription | None:
    """What the account can take up again; None while it subscribes, or when nothing fits."""
    former = account.subscription if account else None
    if former is None or former.is_live or former.price is None:
        return None
    currency = fixed_currency(account) or former.currency
    plan = _plan(former, currency)
    price = _price(plan, former, currency) if plan else None
    if plan is None or price is None:
        return None
    seats = _seats(plan, former)
    same_currency = currency == former.currency
    return Resubscription(
        subscription=former,
        plan=plan,
        price=price,
        seats=seats,
        currency=currency,
        amount=amount_for(price, seats, currency),
        old_amount=amount_for(former.price, seats, currency) if same_currency else None,
        trial=trials.offered(plan, account),
    )


def _plan(former: Subscription, currency: str) -> Product | None:
    """The plan itself; once it is withdrawn, the offered one of its name, else the nearest price.

    Products cannot be made anew in place, so a plan that is replaced comes back under its slug.
    """
    held, offered = former.plan, Product.offered()
    for fits in (
        lambda plan: held is not None and plan.stripe_id == held.stripe_id,
        lambda plan: held is not None and held.slug is not None and plan.slug == held.slug,
    ):
        found = next((plan for plan in offered if fits(plan)), None)
        if found is not None:
            return found
    return min(
        (plan for plan in offered if _distance(plan, former, currency) is not None),
        key=lambda plan: _distance(plan, former, currency) or 0,
        default=None,
    )


def _distance(plan: Product, former: Subscription, currency: str) -> int | None:
    """How far the plan's price is from the old one, in the same rhythm; None when unknown."""
    if former.price is None or currency != former.currency:
        return None
    price = price_for(plan, Cadence.of(former.price), currency)
    old = amount_for(former.price, former.quantity, currency)
    new = amount_for(price, _seats(plan, former), currency) if price else None
    return abs(new - old) if new is not None and old is not None else None


def _price(plan: Product, former: Subscription, currency: str) -> Price | None:
    """The plan's price in the old rhythm, else the first in which it is sold."""
    assert former.price is not None
    same = price_for(plan, Cadence.of(former.price), currency)
    if same is not None:
        return same
    sold = sorted({Cadence.of(p) for p in plan.prices if p.active and p.is_recurring})
    found = (price_for(plan, cadence, currency) for cadence in sold)
    return next((price for price in found if price is not None), None)


def _seats(plan: Product, former: Subscription) -> int:
    if not plan.is_per_seat:
        return 1
    held = former.quantity if former.plan and former.plan.is_per_seat else 1
    return min(max(held, plan.min_seats or 1), plan.max_seats or held)

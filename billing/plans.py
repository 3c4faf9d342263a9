"""The plans page: each plan at one cadence and currency, beside what the reader has now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from billing import plan_change, promotion_codes, resubscription, trials
from billing.pricing import (
    Cadence,
    Change,
    Offer,
    amount_for,
    best_saving,
    cadences,
    change,
    choose_currency,
    currencies,
    fixed_currency,
    offer,
    saving_percent,
    seats_for,
)
from billing.promotion_codes import Effect
from billing.resubscription import Resubscription
from billing.trials import Trial
from models import Account, Product, PromotionCode, Subscription


@dataclass(frozen=True)
class Card:
    """One plan. `change` is what moving to it means, None without a live subscription.

    `saving` is whole percent against the shortest cadence, `months` those one payment covers,
    `current_amount` what the reader's own subscription costs for one period, minor units; `trial`
    the free trial it begins with, for who has not had theirs and subscribes to nothing.
    `has_path` is False where the reader's plan cannot be changed to this one by themselves.
    `promotion` is what the reader's code makes of one period, `promotion_obstacle` why it does
    not count.
    """

    offer: Offer
    seats: int
    is_current_plan: bool
    is_current_price: bool
    change: Change | None
    saving: int | None
    months: int | None
    seats_held: int | None
    current_amount: int | None
    trial: Trial | None = None
    has_path: bool = True
    promotion: Effect | None = None
    promotion_obstacle: str | None = None

    @property
    def plan(self) -> Product:
        return self.offer.plan

    @property
    def seats_lost(self) -> int:
        held = self.seats_held
        return max(held - self.seats, 0) if held and self.change else 0


@dataclass(frozen=True)
class Page:
    """Everything the page shows. `saving` is (largest percent, whether every plan saves that).

    `former` is what the reader had before, when they asked to subscribe again.
    """

    cards: list[Card]
    cadence: Cadence | None
    cadences: list[Cadence]
    saving: tuple[int, bool] | None
    currency: str
    currencies: list[str]
    is_currency_fixed: bool
    subscription: Subscription | None
    former: Resubscription | None = None


def page(
    account: Account | None,
    *,
    interval: str | None = None,
    currency: str | None = None,
    again: bool = False,
    code: PromotionCode | None = None,
    offered: Sequence[Product] | None = None,
) -> Page:
    """The plans as `account` (None for a visitor) sees them; `offered` are others than are sold.

    `interval` is a cadence's key and `currency` a code, as asked for; what is not sold is passed
    over for the reader's own or the first. `code` is the promotion code the reader means to use.
    """
    plans = Product.offered() if offered is None else offered
    sold = cadences(plans)
    subscription = _live(account)
    fixed = fixed_currency(account)
    available = currencies(plans)
    chosen_currency = choose_currency(available, fixed=fixed, asked=currency)
    former = resubscription.of(account) if again else None
    if interval is None and former is not None:
        interval = former.cadence.key
    cadence = _cadence(sold, interval, subscription)
    cards = _cards(plans, cadence, sold, chosen_currency, subscription)
    if subscription is None:
        cards = [replace(card, trial=trials.offered(card.plan, account)) for card in cards]
    if former is not None:
        cards = [_as_before(card, former) for card in cards]
    return Page(
        cards=[_with_code(card, code) for card in cards],
        former=former,
        cadence=cadence,
        cadences=sold,
        saving=best_saving(plans, sold[0], sold[-1], chosen_currency) if len(sold) > 1 else None,
        currency=chosen_currency,
        currencies=[chosen_currency] if fixed else available,
        is_currency_fixed=fixed is not None,
        subscription=subscription,
    )


def _as_before(card: Card, former: Resubscription) -> Card:
    """The card of the plan they had, with the seats they had."""
    return (
        replace(card, seats=former.seats) if card.plan.stripe_id == former.plan.stripe_id else card
    )


def _live(account: Account | None) -> Subscription | None:
    subscription = account.subscription if account else None
    return subscription if subscription is not None and subscription.is_live else None


def _cadence(
    sold: Sequence[Cadence], asked: str | None, subscription: Subscription | None
) -> Cadence | None:
    by_key = {cadence.key: cadence for cadence in sold}
    if asked in by_key:
        return by_key[asked]
    if subscription is not None and subscription.price is not None:
        own = Cadence.of(subscription.price)
        if own in sold:
            return own
    return by_key.get("month") or (sold[0] if sold else None)


def _cards(
    plans: Sequence[Product],
    cadence: Cadence | None,
    sold: Sequence[Cadence],
    currency: str,
    subscription: Subscription | None,
) -> list[Card]:
    if cadence is None:
        return []
    return [_card(plan, cadence, sold[0], currency, subscription) for plan in plans]


def _card(
    plan: Product,
    cadence: Cadence,
    shortest: Cadence,
    currency: str,
    subscription: Subscription | None,
) -> Card:
    offered = offer(plan, cadence, currency)
    seats = seats_for(plan, subscription)
    current = subscription.price if subscription else None
    same_plan = current is not None and current.product_id == plan.stripe_id
    same_price = same_plan and current is not None and Cadence.of(current) == cadence
    moving = subscription is not None and offered.price is not None and not same_price
    months = {"year": 12, "month": 1}.get(cadence.interval, 0) * cadence.count
    return Card(
        offer=offered,
        seats=seats,
        is_current_plan=same_plan,
        is_current_price=same_price,
        change=change(subscription, offered.price, seats) if moving else None,
        saving=saving_percent(plan, shortest, cadence, currency) if cadence != shortest else None,
        months=months if months > 1 else None,
        seats_held=subscription.quantity if subscription else None,
        current_amount=(
            amount_for(current, subscription.quantity, subscription.currency)
            if subscription and current
            else None
        ),
        has_path=subscription is None or plan_change.has_path(subscription, plan),
    )


def _with_code(card: Card, code: PromotionCode | None) -> Card:
    """The card with what the code makes of one period at its seats, or why it does not count."""
    price, currency = card.offer.price, card.offer.currency
    if code is None or price is None or card.is_current_price or not card.has_path:
        return card
    amount = amount_for(price, card.seats, currency)
    obstacle = promotion_codes.obstacle(code, card.plan, amount, currency)
    if obstacle or amount is None:
        return replace(card, promotion_obstacle=obstacle)
    return replace(card, promotion=promotion_codes.effect(code, amount, currency))

"""What a price change would do: to each subscriber, and to all of them together.

From the mirror alone, by the rules that carry the change out (`verdicts`), and the arithmetic by
which subscribers are told their next charges (`renewals`).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from billing import clock, mrr, renewals
from billing.clock import from_unix
from billing.discounting import Discount, discounts_of, reduce
from billing.price_changes import amounts, subscribers, verdicts
from billing.price_changes.phases import id_of
from billing.price_changes.verdicts import MOVE, WAIT, Verdict
from billing.pricing import Cadence, amount_for
from billing.renewals import Instead
from models import Account, Price, PriceChange, Subscription, db

# A daily subscription, a year ahead.
MOST_BILLS = 400
AGES = ((90, "Less than 3 months"), (365, "3 to 12 months"), (730, "1 to 2 years"))
OLDEST = "More than 2 years"


@dataclass(frozen=True)
class Note:
    """Something to know of a subscriber: `kind` picks the words; `on` a day, `text` a name."""

    kind: str
    on: datetime | None = None
    text: str | None = None
    discount: Discount | None = None
    quantity: int | None = None


@dataclass(frozen=True)
class Row:
    """One subscriber, before and after. Amounts are what a period costs at that renewal, net of
    discounts, minor units of `currency`; None where the mirror cannot tell."""

    subscription: Subscription
    name: str
    account: Account | None
    quantity: int
    currency: str
    cadence: Cadence
    verdict: Verdict
    before: int | None
    after: int | None
    is_exact: bool
    mrr_before: int
    mrr_after: int
    notes: tuple[Note, ...]

    @property
    def moves(self) -> bool:
        """At its day, or once what it waits for is over."""
        return self.verdict.outcome in {MOVE, WAIT}

    @property
    def rise(self) -> int | None:
        """Minor units more for a period; negative when it pays less."""
        if self.before is None or self.after is None or not self.moves:
            return None
        return self.after - self.before

    @property
    def has_discount(self) -> bool:
        return any(note.kind == "discount" for note in self.notes)

    @property
    def needs_a_look(self) -> bool:
        return bool(self.notes) or self.before is None


@dataclass
class Effect:
    """What the change does in one currency: minor units a month."""

    currency: str
    subscribers: int = 0
    seats: int = 0
    moving: int = 0
    mrr_before: int = 0
    mrr_after: int = 0

    @property
    def difference(self) -> int:
        return self.mrr_after - self.mrr_before

    def add(self, row: Row) -> None:
        self.subscribers += 1
        self.seats += row.quantity
        self.moving += row.moves
        self.mrr_before += row.mrr_before
        self.mrr_after += row.mrr_after


@dataclass
class Rehearsal:
    """All subscribers of the old price together; `looks` counts the kinds of notes."""

    subscribers: int = 0
    seats: int = 0
    moving: int = 0
    waiting: int = 0
    effects: dict[str, Effect] = field(default_factory=dict)
    cadences: Counter[str] = field(default_factory=Counter)
    ages: Counter[str] = field(default_factory=Counter)
    looks: Counter[str] = field(default_factory=Counter)
    need_a_look: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    # By currency, because amounts of two currencies do not compare.
    largest: dict[str, Row] = field(default_factory=dict)
    first: datetime | None = None
    last: datetime | None = None
    fingerprint: str = ""
    # Scheduled to come to the old price from another one; not among the subscribers.
    arriving: int = 0

    @property
    def staying(self) -> int:
        return self.subscribers - self.moving

    @property
    def currencies(self) -> list[Effect]:
        """The one with the most subscribers first."""
        return sorted(self.effects.values(), key=lambda one: (-one.subscribers, one.currency))


def rows(
    change: PriceChange, found: Iterable[Subscription], now: datetime, price: Price | None = None
) -> Iterator[Row]:
    """Each of `found`, who pay the old price, before and after."""
    new = price or new_price(change)
    for subscription in found:
        yield row(change, subscription, new, now)


def new_price(change: PriceChange) -> Price:
    """The price that is moved to; one that is not there yet as it would be."""
    if change.new_price is not None:
        return change.new_price
    assert change.price is not None
    return amounts.prospective(change, change.price)


def row(change: PriceChange, subscription: Subscription, new: Price, now: datetime) -> Row:
    verdict = verdicts.of(change, subscription, now)
    item = verdicts.item_on(subscription, change.price_id)
    assert item is not None
    assert item.price is not None
    customer = subscription.customer
    at = verdict.at if verdict.outcome == MOVE else None
    before, after, is_exact = _before_and_after(change, subscription, item.price, new, at, now)
    moves = verdict.outcome in {MOVE, WAIT}
    counted = mrr.is_counted(subscription)
    return Row(
        subscription=subscription,
        name=subscribers.name_of(subscription),
        account=customer.account if customer else None,
        quantity=item.quantity or 1,
        currency=subscription.currency,
        cadence=Cadence.of(item.price),
        verdict=verdict,
        before=before,
        after=after,
        is_exact=is_exact,
        mrr_before=_monthly(change, subscription, item.price, now) if counted else 0,
        mrr_after=_monthly(change, subscription, new if moves else item.price, now)
        if counted
        else 0,
        notes=tuple(_notes(change, subscription, at, now)),
    )


def _before_and_after(
    change: PriceChange,
    subscription: Subscription,
    old: Price,
    new: Price,
    at: datetime | None,
    now: datetime,
) -> tuple[int | None, int | None, bool]:
    """What the period from `at` on costs at the old price and at the new; whether to the unit."""
    before, is_exact = _bill(subscription, now, at, _instead(change, old, now))
    if at is None:
        return before, before, is_exact
    after, still = _bill(subscription, now, at, _instead(change, new, at))
    return before, after, is_exact and still


def before_and_after(
    change: PriceChange, subscription: Subscription, old: Price, new: Price, at: datetime
) -> tuple[int | None, int | None]:
    """What the subscription pays for the period from `at` on at either price, net of discounts,
    minor units; None where the mirror cannot tell."""
    before, after, _ = _before_and_after(change, subscription, old, new, at, clock.now())
    return before, after


def of(change: PriceChange, now: datetime) -> Rehearsal:
    """The change, rehearsed for everybody."""
    found = Rehearsal()
    seen = hashlib.sha256()
    for one in rows(change, subscribers.every(change), now):
        _add(found, one, now)
        at = f"{one.verdict.at:%Y-%m-%d}" if one.verdict.at else one.verdict.reason
        seen.update(f"{one.subscription.stripe_id} {at} {one.before} {one.after}\n".encode())
    found.fingerprint = seen.hexdigest()[:32]
    found.arriving = subscribers.arriving(change.price_id)
    return found


def _add(found: Rehearsal, one: Row, now: datetime) -> None:
    found.subscribers += 1
    found.seats += one.quantity
    found.moving += one.moves
    found.waiting += one.verdict.outcome == WAIT
    found.effects.setdefault(one.currency, Effect(one.currency)).add(one)
    found.cadences[one.cadence.label] += 1
    found.ages[_age(one.subscription, now)] += 1
    found.need_a_look += one.needs_a_look
    for kind in {note.kind for note in one.notes}:
        found.looks[kind] += 1
    if not one.moves:
        found.skipped[one.verdict.reason or ""] += 1
    largest = found.largest.get(one.currency)
    if one.rise is not None and (largest is None or abs(one.rise) > abs(largest.rise or 0)):
        found.largest[one.currency] = one
    if one.verdict.outcome == MOVE and one.verdict.at is not None:
        found.first = min(found.first or one.verdict.at, one.verdict.at)
        found.last = max(found.last or one.verdict.at, one.verdict.at)


def _age(subscription: Subscription, now: datetime) -> str:
    since = subscription.start_date or subscription.created or now
    return next((label for days, label in AGES if now - since < timedelta(days=days)), OLDEST)


def age_labels() -> list[str]:
    """The ages in their order, the youngest first."""
    return [*(label for _, label in AGES), OLDEST]


def _instead(change: PriceChange, price: Price, since: datetime) -> Instead:
    named = frozenset(one for one in (change.price_id, change.new_price_id) if one)
    return Instead(named, price, since)


def _bill(
    subscription: Subscription, now: datetime, at: datetime | None, instead: Instead
) -> tuple[int | None, bool]:
    """What the subscription bills at `at` or first after it; whether to the last unit.

    A subscription that bills nothing now, such as a paused one, costs its price all the same.
    """
    item = next((one for one in subscription.items if one.price_id in instead.of), None)
    for bill in islice(renewals.bills(subscription, now, instead), MOST_BILLS):
        is_its = any(one.price in (instead.price, item and item.price) for one in bill.items)
        if is_its and (at is None or bill.on >= at):
            return bill.total, bill.is_exact
    return _whole_period(subscription, now, instead)


def _whole_period(
    subscription: Subscription, now: datetime, instead: Instead
) -> tuple[int | None, bool]:
    """What a period would cost, of a subscription that bills none as it stands."""
    lines, discounts = [], discounts_of(subscription)
    for item in subscription.items:
        if item.price is None or Cadence.of(item.price) != Cadence.of(instead.price):
            continue
        price = instead.price if item.price_id in instead.of else item.price
        lines.append((price.product_id, amount_for(price, item.quantity, subscription.currency)))
    known = [(product, amount) for product, amount in lines if amount is not None]
    if discounts is None or len(known) != len(lines):
        return None, False
    reduced = reduce(known, discounts, now)
    return reduced.total, reduced.is_exact


def _monthly(change: PriceChange, subscription: Subscription, price: Price, now: datetime) -> int:
    """What the subscription is worth a month with `price` in place of the old one."""
    items = [
        (price if item.price_id == change.price_id else item.price, item.quantity)
        for item in subscription.items
    ]
    return mrr.worth_of(items, subscription.currency, mrr.lasting_discounts(subscription), now)


def _notes(
    change: PriceChange, subscription: Subscription, at: datetime | None, now: datetime
) -> Iterator[Note]:
    """What else is to be known: coupons, what is scheduled, trials, debts, pauses, the end."""
    discounts = discounts_of(subscription)
    if discounts is None:
        yield Note("unknown_discount")
    for one in discounts or []:
        if one.is_in_force(now):
            yield Note("discount", on=one.ends, discount=one)
    if subscription.is_trialing:
        yield Note("trial", on=subscription.trial_end)
    ends = renewals.ends_on(subscription)
    if ends is not None:
        yield Note("ending", on=ends)
    if subscription.is_past_due:
        yield Note("past_due")
    if subscription.pause_collection:
        yield Note("collection_paused")
    schedule = subscription.schedule
    phase = schedule.next_phase(now) if schedule else None
    if phase is not None:
        yield from _scheduled(change, subscription, phase)


def _scheduled(
    change: PriceChange, subscription: Subscription, phase: dict[str, Any]
) -> Iterator[Note]:
    on = from_unix(phase["start_date"])
    named = {change.price_id, change.new_price_id}
    item = next((one for one in phase["items"] if id_of(one["price"]) in named), None)
    if item is not None:
        if item.get("quantity") != subscription.quantity:
            yield Note("seats", on=on, quantity=item.get("quantity"))
        return
    price = db.session.get(Price, id_of(phase["items"][0]["price"])) if phase["items"] else None
    yield Note("other_plan", on=on, text=price.product.name if price and price.product else None)

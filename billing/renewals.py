"""A subscription moved through its coming periods: what it bills on which day, and why.

From the mirror alone. Where the mirror cannot tell an amount it is None, and where it cannot tell
what comes after, the list ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from billing.billing_calendar import period_at
from billing.clock import from_unix
from billing.discounting import Discount, discounts_of, reduce
from billing.price_changes import coming
from billing.pricing import Cadence, amount_for
from models import Price, Product, Subscription, db

# Stripe's docs, "How subscriptions work": an unpaid, paused or incomplete one charges nothing.
RENEWING = frozenset({"active", "trialing", "past_due"})


@dataclass(frozen=True)
class Reason:
    """Why a charge comes, or is not like the one before it.

    `kind` is one of: trial_end, renewal, change, price_change (the operator's), resumed, discount
    (in force), discount_ended, prepared (an invoice about to be charged), retry (of one that
    failed), one_off, credit (used), credit_left, owed (carried over from before), too_small
    (carried over to the next).
    Amounts are minor units.
    """

    kind: str
    discount: Discount | None = None
    is_last: bool = False
    plan: Product | None = None
    amount: int | None = None


RENEWAL = Reason("renewal")


@dataclass(frozen=True)
class BilledItem:
    """One item for one period; `amount` is before discounts, None when it cannot be known."""

    price: Price | None
    quantity: int | None
    amount: int | None

    @property
    def plan(self) -> Product | None:
        return self.price.product if self.price else None

    @property
    def cadence(self) -> Cadence | None:
        return Cadence.of(self.price) if self.price and self.price.is_recurring else None


@dataclass(frozen=True)
class Bill:
    """What a subscription bills at a moment, before the customer's balance.

    `total` is minor units or None. It is not `is_exact` where rounding may differ by a little,
    and `is_at_most` where the period is cut short and Stripe bills no more than this.
    """

    on: datetime
    items: tuple[BilledItem, ...]
    total: int | None
    is_exact: bool
    is_at_most: bool
    plus_tax: bool
    reasons: tuple[Reason, ...]
    used: tuple[Discount, ...]


@dataclass(frozen=True)
class Instead:
    """A price in the place of others (ids) from a moment on."""

    of: frozenset[str]
    price: Price
    since: datetime


@dataclass
class _Item:
    price: Price | None
    quantity: int | None
    tax_rates: list[Any]
    has_own_discounts: bool
    ends: datetime

    @property
    def cadence(self) -> Cadence | None:
        return Cadence.of(self.price) if self.price and self.price.is_recurring else None

    def billed(self, currency: str, price: Price | None) -> BilledItem:
        amount = amount_for(price, self.quantity, currency) if price else None
        return BilledItem(price, self.quantity, amount)


def bills(
    subscription: Subscription, now: datetime, instead: Instead | None = None
) -> Iterator[Bill]:
    """The bills that come after `now`, in order, without end where nothing ends them.

    `instead` is a price that takes the place of another, as is being thought about.
    """
    course = _Course.of(subscription, now)
    if course is not None:
        course.instead = instead
    for bill in course.bills() if course else ():
        if bill.on > now:
            yield bill


def is_awaiting_renewal(subscription: Subscription, now: datetime) -> bool:
    """Whether its period is over and the mirror has not heard of the next one yet."""
    ends = next_boundary(subscription)
    if subscription.status not in RENEWING or ends is None or ends > now:
        return False
    return subscription.ends_on is None or subscription.ends_on > ends


def next_boundary(subscription: Subscription) -> datetime | None:
    """When the first of its items begins a new period; None when nobody knows."""
    ends = [item.current_period_end for item in subscription.items if item.current_period_end]
    if subscription.is_trialing and subscription.trial_end:
        return subscription.trial_end
    return min(ends, default=subscription.current_period_end)


def ends_on(subscription: Subscription) -> datetime | None:
    """When it ends, by itself or with the last phase of a schedule that cancels it."""
    found = [subscription.ends_on] if subscription.ends_on else []
    schedule = subscription.schedule
    if schedule and schedule.is_live and schedule.end_behavior == "cancel" and schedule.phases:
        end = from_unix(schedule.phases[-1].get("end_date"))
        found += [end] if end else []
    return min(found, default=None)


@dataclass
class _Course:
    """The subscription as it will be, one boundary after another."""

    subscription: Subscription
    anchor: datetime
    day: int | None
    items: list[_Item]
    phases: list[dict[str, Any]]
    # None where the mirror does not know what is taken off.
    discounts: list[Discount] | None
    default_tax_rates: list[Any]
    ends: datetime | None
    paused_until: datetime | None
    # Why the next bill comes, what else is to be said of it, and whether its amount can be known.
    cause: Reason = RENEWAL
    notes: list[Reason] = field(default_factory=list)
    is_knowable: bool = True
    instead: Instead | None = None

    @classmethod
    def of(cls, subscription: Subscription, now: datetime) -> _Course | None:
        """None when it bills nothing any more, or the mirror does not know its periods."""
        first = next_boundary(subscription)
        paused = subscription.pause_collection
        resumes = from_unix(paused.get("resumes_at")) if paused else None
        if subscription.status not in RENEWING or first is None or (paused and not resumes):
            return None
        data, trialing = subscription.data, subscription.is_trialing
        return cls(
            subscription=subscription,
            anchor=from_unix(data.get("billing_cycle_anchor")) or first,
            day=(data.get("billing_cycle_anchor_config") or {}).get("day_of_month"),
            items=[
                _Item(
                    item.price,
                    item.quantity,
                    item.data.get("tax_rates") or [],
                    bool(item.data.get("discounts")),
                    first if trialing else item.current_period_end or first,
                )
                for item in subscription.items
            ],
            phases=_coming_phases(subscription, first, now),
            discounts=_running_discounts(subscription),
            default_tax_rates=data.get("default_tax_rates") or [],
            ends=ends_on(subscription),
            paused_until=resumes,
            cause=Reason("trial_end") if trialing else RENEWAL,
        )

    def bills(self) -> Iterator[Bill]:
        while self.items:
            on = min(item.ends for item in self.items)
            begins = from_unix(self.phases[0]["start_date"]) if self.phases else None
            if self.ends is not None and self.ends <= (min(on, begins) if begins else on):
                return
            if begins is None or begins > on:
                yield from self._renew(on)
            elif not self._enter(self.phases.pop(0), begins, on):
                return

    def _renew(self, on: datetime) -> Iterator[Bill]:
        due = [item for item in self.items if item.ends <= on]
        bill = self._bill(due, on)
        if any(item.cadence is None for item in due):
            # Nobody knows when it is due again.
            self.items = []
            yield bill
            return
        for item in due:
            self._next_period(item, on)
        bill = replace(bill, reasons=(*bill.reasons, *self._of_discounts(bill, on)))
        if self.ends is not None and any(item.ends > self.ends for item in due):
            bill = replace(bill, is_at_most=True)
        if self.paused_until is None or on >= self.paused_until:
            resumed = [] if self.paused_until is None else [Reason("resumed")]
            self.paused_until = None
            yield replace(bill, reasons=(*resumed, *bill.reasons))

    def _bill(self, due: list[_Item], on: datetime) -> Bill:
        billed = tuple(
            item.billed(self.subscription.currency, self._price(item, on)) for item in due
        )
        reasons, self.cause, self.notes = (self.cause, *self.notes), RENEWAL, []
        is_knowable, self.is_knowable = self.is_knowable, True
        bill = Bill(on, billed, None, False, False, self._has_tax_on_top(), reasons, ())
        lines = [
            (one.price.product_id, one.amount)
            for one in billed
            if one.price is not None and one.amount is not None
        ]
        if (
            not is_knowable
            or len(lines) != len(billed)
            or self.discounts is None
            or any(item.has_own_discounts for item in due)
        ):
            return bill
        reduced = reduce(lines, self.discounts, on)
        return replace(bill, total=reduced.total, is_exact=reduced.is_exact, used=reduced.used)

    def _price(self, item: _Item, on: datetime) -> Price | None:
        """What the item costs at `on`: its price, or the one that takes its place."""
        instead = self.instead
        if instead and item.price and item.price.stripe_id in instead.of and on >= instead.since:
            return instead.price
        return item.price

    def _of_discounts(self, bill: Bill, on: datetime) -> list[Reason]:
        """What the discounts do to the bill at `on`; those that are over are let go."""
        following = min(item.ends for item in self.items)
        over = [one for one in self.discounts or () if not one.is_in_force(on)]
        spent = [one for one in bill.used if one.is_once]
        self.notes += [Reason("discount_ended", discount=one) for one in spent]
        if self.discounts is not None:
            self.discounts = [one for one in self.discounts if one not in [*over, *spent]]
        return [Reason("discount_ended", discount=one) for one in over] + [
            Reason(
                "discount",
                discount=one,
                is_last=not one.is_once and not one.is_in_force(following),
            )
            for one in bill.used
        ]

    def _next_period(self, item: _Item, on: datetime) -> None:
        """The item's next period; one of another interval begins a cycle of its own."""
        assert item.cadence is not None
        begins, item.ends = period_at(self.anchor, item.cadence, on, self.day)
        if begins != on:
            self.anchor, self.day = on, None
            _, item.ends = period_at(self.anchor, item.cadence, on)

    def _enter(self, phase: dict[str, Any], begins: datetime, on: datetime) -> bool:
        """Takes over a scheduled phase; False when what follows cannot be told."""
        items = [
            _Item(
                db.session.get(Price, id_of(item["price"])),
                item.get("quantity"),
                item.get("tax_rates") or [],
                bool(item.get("discounts")),
                on,
            )
            for item in phase["items"]
        ]
        trial_end = from_unix(phase.get("trial_end"))
        if any(item.price is None for item in items) or (trial_end and trial_end > begins):
            return False
        is_boundary = begins == on and all(item.ends == on for item in self.items)
        resets = phase.get("billing_cycle_anchor") == "phase_start"
        if not is_boundary:
            # In the middle of a period Stripe prorates to the second, and begins a new one for
            # another interval.
            if resets or {item.cadence for item in items} != {i.cadence for i in self.items}:
                return False
            _keep_periods(self.items, items)
        elif resets:
            self.anchor, self.day = begins, None
        # Where nothing is prorated, what follows is a whole period in any case.
        is_whole = is_boundary or phase.get("proration_behavior") == "none"
        self.is_knowable = is_whole and not phase.get("add_invoice_items")
        if not _keeps_discounts(phase, self.subscription):
            self.discounts = None
        self.default_tax_rates = phase.get("default_tax_rates") or self.default_tax_rates
        if self._is_new_price(items):
            self.cause = Reason("price_change", plan=self.subscription.plan)
        elif _what(items) != _what(self.items):
            plans = [item.price.product for item in items if item.price and item.price.product]
            self.cause = Reason("change", plan=next((p for p in plans if p.slug), None))
        self.items = items
        return True

    def _is_new_price(self, items: list[_Item]) -> bool:
        """Whether nothing changes but the price of one item, by the operator's doing."""
        old, new = (dict(_what(found)) for found in (self.items, items))
        gone, came = old.keys() - new.keys(), new.keys() - old.keys()
        if len(gone) != 1 or len(came) != 1:
            return False
        (before,), (after,) = gone, came
        same = old[before] == new[after] and all(old[k] == new[k] for k in old.keys() & new.keys())
        return same and coming.is_move(self.subscription.stripe_id, before, after)

    def _has_tax_on_top(self) -> bool:
        """Whether tax is added to the price, rather than being in it or not charged at all."""
        customer = self.subscription.customer
        exempt = customer.data.get("tax_exempt") if customer else None
        if exempt in {"exempt", "reverse"}:
            return False
        rates = [rate for item in self.items for rate in item.tax_rates or self.default_tax_rates]
        if any(not (isinstance(rate, dict) and rate.get("inclusive")) for rate in rates):
            return True
        automatic = (self.subscription.data.get("automatic_tax") or {}).get("enabled")
        prices = [item.price for item in self.items if item.price]
        return bool(automatic) and any(p.tax_behavior != "inclusive" for p in prices)


def _coming_phases(
    subscription: Subscription, first: datetime, now: datetime
) -> list[dict[str, Any]]:
    """The phases of a live schedule not entered yet: those to come, or from the `first` boundary
    on where the mirror has not heard of that one."""
    schedule = subscription.schedule
    if schedule is None or not schedule.is_live:
        return []
    found = [
        phase
        for phase in schedule.phases
        if phase["start_date"] > now.timestamp() or phase["start_date"] >= first.timestamp()
    ]
    return sorted(found, key=lambda phase: int(phase["start_date"]))


def _running_discounts(subscription: Subscription) -> list[Discount] | None:
    """The discounts, without those that were over before the present period was billed."""
    begun, found = subscription.current_period_start, discounts_of(subscription)
    if found is None or begun is None:
        return found
    return [one for one in found if one.is_in_force(begun)]


def _what(items: list[_Item]) -> list[tuple[str, int]]:
    return sorted(
        (item.price.stripe_id if item.price else "", item.quantity or 1) for item in items
    )


def _keep_periods(old: list[_Item], new: list[_Item]) -> None:
    """Gives each item that stays the end of its running period."""
    ends = {item.price.stripe_id: item.ends for item in old if item.price}
    first = min(item.ends for item in old)
    for item in new:
        item.ends = ends.get(item.price.stripe_id if item.price else "", first)


def _keeps_discounts(phase: dict[str, Any], subscription: Subscription) -> bool:
    """Whether the phase goes on with the discounts that the subscription has, and no others."""
    named = phase.get("discounts") or []
    running = [id_of(one) for one in subscription.data.get("discounts") or []]
    return not named or [one.get("discount") and id_of(one["discount"]) for one in named] == running


def id_of(reference: Any) -> str:
    """The id in a field of Stripe's that holds an id or the object itself."""
    return reference["id"] if isinstance(reference, dict) else reference

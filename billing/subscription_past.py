"""A subscription's past as Stripe's objects still tell it, when nobody watched it happen.

- It begins at `start_date`; when its first invoice was paid later, it is incomplete until then.
- It is in a trial from `trial_start` to `trial_end`.
- The lines of its invoices tell what it consisted of: each covers its period at its price and
  quantity; a credit for unused time ends what it gives back. So prorations tell to the second when
  seats and prices changed.
- Where no line covers a time that later ones follow, it was paused; and so it was from a credit
  that nothing followed, from the time Stripe names while it is paused, and between the times kept
  of pauses asked for here.
- Discounts hold from their `start` to their `end`, or until the first invoice without them.
- It ends at `ended_at`.

What none of these tells, such as a change that is billed with the next invoice, or that it was
unpaid for a while, shows up as a difference to what it is now; see `billing.subscription_history`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from billing import discounting, mrr
from billing.clock import from_unix
from billing.discounting import Discount
from models import Coupon, Invoice, InvoiceLine, Pause, Price, Subscription, SubscriptionState

# Invoices of these reasons, once voided, were for a change that did not come about.
OF_A_CHANGE = frozenset({"subscription_create", "subscription_update", "manual"})
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Known:
    """What the mirror holds beside the subscription; invoices are those of the subscription."""

    invoices: Sequence[Invoice]
    pauses: Sequence[Pause]
    prices: dict[str, Price]
    coupons: dict[str, Coupon]


@dataclass(frozen=True)
class Piece:
    """An item as it was for a while, as a line of an invoice says."""

    item_id: str
    price_id: str | None
    quantity: int | None
    start: datetime
    end: datetime


@dataclass
class Coverage:
    """What was in force when, and since when nothing was because of a credit."""

    pieces: list[Piece] = field(default_factory=list)
    credited_at: datetime | None = None

    def add(self, piece: Piece) -> None:
        self.end(piece.item_id, piece.start)
        self.pieces.append(piece)
        self.credited_at = None

    def credit(self, item_id: str, at: datetime) -> None:
        self.end(item_id, at)
        self.credited_at = at

    def end(self, item_id: str, at: datetime) -> None:
        """Nothing of the item goes on after `at`."""
        self.pieces = [
            replace(one, end=at) if one.item_id == item_id and one.end > at else one
            for one in self.pieces
            if one.item_id != item_id or one.start < at
        ]

    def at(self, moment: datetime) -> list[Piece]:
        return [one for one in self.pieces if one.start <= moment < one.end]


def states(subscription: Subscription, known: Known, now: datetime) -> list[SubscriptionState]:
    """What it was, oldest first, up to `now`; neighbours differ. Empty when it never began."""
    past = _Past(subscription, known, now)
    found: list[SubscriptionState] = []
    for moment in past.moments():
        state = past.at(moment)
        if not found or state.facts != found[-1].facts:
            found.append(state)
    return found


class _Past:
    """One subscription's past, asked moment by moment."""

    def __init__(self, subscription: Subscription, known: Known, now: datetime):
        self.subscription, self.known, self.now = subscription, known, now
        self.invoices = sorted(known.invoices, key=lambda one: one.created or now)
        self.begin = subscription.start_date or subscription.created or now
        self.ended = subscription.ended_at or subscription.deleted_at
        self.paid_from = self._paid_from()
        self.trial = _trial(subscription)
        self.coverage = self._coverage()
        self.paused = list(self._pauses())
        self.discounts = list(self._discounts())

    def moments(self) -> list[datetime]:
        """Every time at which something may have changed."""
        spans = [
            (self.begin, self.ended),
            (self.paid_from, None),
            self.trial,
            *((one.start, one.end) for one in self.coverage.pieces),
            *self.paused,
            *((one.starts, one.ends) for one in self.discounts),
        ]
        found = {moment for span in spans for moment in span if moment is not None}
        return sorted(moment for moment in found if self.begin <= moment <= self.now)

    def at(self, moment: datetime) -> SubscriptionState:
        status = self._status(moment)
        items = self._items(moment)
        priced = [(self.known.prices.get(price_id or ""), count) for price_id, count in items]
        currency = self.subscription.currency
        worth = mrr.worth_of(priced, currency, self._in_force(moment), moment)
        price, quantity = _plan_of(priced)
        return SubscriptionState(
            subscription_id=self.subscription.stripe_id,
            customer_id=self.subscription.customer_id,
            at=moment,
            status=status,
            product_id=price.product_id if price else None,
            price_id=price.stripe_id if price else None,
            quantity=quantity or 1,
            currency=currency,
            interval=price.interval if price else None,
            interval_count=price.interval_count if price else None,
            mrr=worth if status == "active" else 0,
            is_trial=status == "trialing",
            not_counted=sum(not mrr.is_known(one, currency) for one in priced),
            is_seen=False,
        )

    # Its standing --------------------------------------------------------------------------

    def _status(self, moment: datetime) -> str:
        if self.ended is not None and moment >= self.ended:
            expired = self.subscription.status == "incomplete_expired"
            return "incomplete_expired" if expired else "canceled"
        if self.paid_from is None or moment < self.paid_from:
            return "incomplete"
        start, end = self.trial
        if start is not None and end is not None and start <= moment < end:
            return "trialing"
        if any(start <= moment and (end is None or moment < end) for start, end in self.paused):
            return "paused"
        return "active"

    def _paid_from(self) -> datetime | None:
        """Since when it runs: its begin, or the payment it had to wait for; None when for ever."""
        if self.subscription.status in {"incomplete", "incomplete_expired"}:
            return None
        first = next((i for i in self.invoices if i.billing_reason == "subscription_create"), None)
        waits = first is not None and first.collection_method == "charge_automatically"
        if waits and first is not None and first.paid_at is not None:
            return max(self.begin, first.paid_at)
        return self.begin

    def _pauses(self) -> Iterable[tuple[datetime, datetime | None]]:
        """From when to when it was paused; None for an end that did not come."""
        pieces = sorted(self.coverage.pieces, key=lambda one: one.start)
        reached = self.begin
        for piece in pieces:
            if piece.start > reached and reached > self.begin:
                yield reached, piece.start
            reached = max(reached, piece.end)
        credited_at = self.coverage.credited_at
        is_over = self.subscription.status not in mrr.COUNTED_STATUSES
        if credited_at is not None and is_over and not self.coverage.at(credited_at):
            yield credited_at, None
        if self.subscription.paused_at is not None:
            yield self.subscription.paused_at, None
        for pause in self.known.pauses:
            if pause.paused_at is not None:
                later = [one.start for one in pieces if one.start > pause.paused_at]
                yield pause.paused_at, pause.ended_at or min(later, default=None)

    # What it consisted of ------------------------------------------------------------------

    def _items(self, moment: datetime) -> list[tuple[str | None, int | None]]:
        """Prices and quantities in force, or in a gap those of before; of now when none tells."""
        is_over = self.ended is not None and moment >= self.ended
        pieces = [] if is_over else self.coverage.at(moment)
        if not pieces and not is_over and self.coverage.pieces:
            before = [one for one in self.coverage.pieces if one.end <= moment]
            if before:
                last = max(one.end for one in before)
                pieces = [one for one in before if one.end == last]
            else:
                first = min(one.start for one in self.coverage.pieces)
                pieces = [one for one in self.coverage.pieces if one.start == first]
        if not pieces:
            return [(one.price_id, one.quantity) for one in self.subscription.items]
        order = {one.stripe_id: one.position for one in self.subscription.items}
        pieces.sort(key=lambda one: (order.get(one.item_id, len(order)), one.start))
        return [(one.price_id, one.quantity) for one in pieces]

    def _coverage(self) -> Coverage:
        coverage = Coverage()
        lines = [
            (line, invoice)
            for invoice in self.invoices
            if _counts(invoice)
            for line in invoice.lines
            if line.period_start is not None
        ]
        # A credit comes before the charge on its invoice that takes its place.
        lines.sort(
            key=lambda pair: (pair[0].period_start, pair[1].created, not _is_credit(pair[0]))
        )
        for line, invoice in lines:
            item_id = _item_of(line, self.subscription)
            start, end = line.period_start, line.period_end
            if item_id is None or start is None or end is None:
                continue
            if _is_credit(line):
                coverage.credit(item_id, start)
            else:
                if start > self.begin and not coverage.at(start - SECOND):
                    # A resumption counts from its payment on.
                    start = max(start, invoice.paid_at or start)
                price = self.known.prices.get(line.price_id or "")
                metered = price is not None and price.usage_type == "metered"
                quantity = None if metered else line.quantity
                coverage.add(Piece(item_id, line.price_id, quantity, start, max(start, end)))
        return coverage

    # What was taken off --------------------------------------------------------------------

    def _in_force(self, moment: datetime) -> list[Discount]:
        return [one for one in self.discounts if one.starts is None or one.starts <= moment]

    def _discounts(self) -> Iterable[Discount]:
        """The lasting discounts it had, each with the end it had."""
        own = self.subscription.data.get("discounts") or []
        used = [one for invoice in self.invoices for one in invoice.data.get("discounts") or []]
        customer = self.subscription.customer
        shared = customer.data.get("discount") if customer is not None and not own else None
        current = [*own, *([shared] if shared else [])]
        told = {one["id"]: one for one in [*used, *current] if isinstance(one, dict)}
        kept = {one["id"] for one in current if isinstance(one, dict)}
        for given in told.values():
            discount = discounting.read(self._with_products(given), self.subscription.currency)
            if discount is None or discount.is_once:
                continue
            ends = [discount.ends]
            if discount.id not in kept:
                # Another took its place, or it was taken away.
                later = (from_unix(one.get("start")) for one in told.values())
                ends += [at for at in later if at and discount.starts and at > discount.starts]
                ends.append(self._dropped(discount.id))
            yield replace(discount, ends=min((end for end in ends if end), default=None))

    def _with_products(self, told: dict[str, Any]) -> dict[str, Any]:
        """The discount with what its coupon is for, which an invoice does not tell."""
        source = told.get("source") or {}
        coupon = source.get("coupon")
        kept = self.known.coupons.get(coupon["id"]) if isinstance(coupon, dict) else None
        if kept is None or coupon.get("applies_to"):
            return told
        whole = {**coupon, "applies_to": {"products": kept.applies_to or []}}
        return {**told, "source": {**source, "coupon": whole}}

    def _dropped(self, discount_id: str) -> datetime | None:
        """The first period that was billed without the discount after it was used last."""
        dropped = None
        for invoice in self.invoices:
            used = [one for one in invoice.data.get("discounts") or [] if isinstance(one, dict)]
            if any(one["id"] == discount_id for one in used):
                dropped = None
            elif dropped is None:
                starts = [
                    line.period_start
                    for line in invoice.lines
                    if not line.is_proration and line.period_start is not None
                ]
                dropped = min(starts, default=None)
        return dropped


def _trial(subscription: Subscription) -> tuple[datetime | None, datetime | None]:
    start, end = subscription.trial_start, subscription.trial_end
    return (start, end) if start is not None and end is not None else (None, None)


def _plan_of(items: Sequence[mrr.Item]) -> tuple[Price | None, int | None]:
    """The item that is the plan, as `Subscription.item` has it."""
    planned = [one for one in items if one[0] and one[0].product and one[0].product.slug]
    return (planned or list(items) or [(None, None)])[0]


def _counts(invoice: Invoice) -> bool:
    gone = invoice.deleted_at is not None
    return not gone and not (invoice.status == "void" and invoice.billing_reason in OF_A_CHANGE)


def _item_of(line: InvoiceLine, subscription: Subscription) -> str | None:
    """The subscription's item that the line bills; None for everything else."""
    details = (line.data.get("parent") or {}).get("subscription_item_details") or {}
    is_own = details.get("subscription") == subscription.stripe_id
    item: str | None = details.get("subscription_item") if is_own else None
    return item


def _is_credit(line: InvoiceLine) -> bool:
    details = (line.data.get("parent") or {}).get("subscription_item_details") or {}
    told = (details.get("proration_details") or {}).get("credited_items")
    return line.is_proration and (line.amount < 0 or told is not None)

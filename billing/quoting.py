"""Quotes: what a change of plan or seats costs, as Stripe works it out, kept to be charged so.

A quote is shown, sent back by its id, and used at most once. Its id is the idempotency key of
the change it leads to.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from billing import promotion_codes
from billing.clock import from_unix, now
from billing.errors import InvalidRequest, Refused
from billing.gateway import plan_change as gateway
from billing.gateway import scheduled_change as schedules
from billing.price_changes import coming
from billing.pricing import TAKES_EFFECT_NOW, Change, billed_quantity
from models import Price, PromotionCode, Quote, Subscription, db

VALID_FOR = timedelta(minutes=30)


class QuoteNotUsable(Refused):
    """The quote is too old, used, of another account, or the subscription has moved on."""

    title = "That quote no longer holds"
    message = (
        "Nothing was changed and you were not charged. "
        "Here is what the change costs now; please look again before you confirm."
    )


class NotToBeHad(Refused):
    """Stripe does not accept the change, as when its price was archived a moment ago."""

    title = "This change is not possible now"
    message = (
        "Our payment provider does not accept it as things stand. "
        "Nothing was changed and you were not charged."
    )


@dataclass(frozen=True)
class Line:
    """One line of a quote. Amounts are minor units, credit is negative.

    `kind` is one of: unused (credit for paid time), rest (the remaining time at the new price),
    period (a whole period), other, discount, tax, tax_included (already in the price; adds
    nothing), balance (credit or debt used), kept (credit left over for later invoices).
    """

    kind: str
    amount: int
    name: str = ""
    quantity: int | None = None
    per_seat: bool = False
    start: int | None = None
    end: int | None = None

    @property
    def starts_on(self) -> datetime | None:
        return from_unix(self.start)

    @property
    def last_day(self) -> datetime | None:
        """The last day the line covers: its end is the first moment it does not."""
        return from_unix(self.end - 1) if self.end is not None else None


def ask(
    subscription: Subscription,
    change: Change,
    *,
    account_id: int,
    user_id: int,
    code: PromotionCode | None = None,
    by_staff: bool = False,
    prorates: bool = True,
) -> Quote:
    """A new quote for the change, from Stripe's own preview, stored. Raises what Stripe refuses.

    `code` is redeemed with the change. The recurring amount has its discount in it where the
    first renewal has: a code for one payment counts for the one made today, if there is one.
    `by_staff` says that they chose when it takes effect; without `prorates` what is left of the
    period is neither charged nor given back.
    """
    item = subscription.item
    if item is None or subscription.current_period_end is None:
        raise Refused("This subscription has nothing that could be changed here.")
    moment = now().replace(microsecond=0)
    named = changed_price(subscription, change.price)
    quantity = billed_quantity(change.price, change.quantity)
    charged_now = change.is_immediate and not subscription.is_trialing and prorates
    code_id = code.stripe_id if code else None
    spent = charged_now and code is not None and code.duration == "once"
    with _in_our_words(code_id):
        recurring = _recurring(
            subscription, change, subscription.current_period_end, None if spent else code_id
        )
    quote = Quote(
        id=secrets.token_urlsafe(24),
        account_id=account_id,
        user_id=user_id,
        subscription_id=subscription.stripe_id,
        from_price_id=item.price_id,
        from_quantity=subscription.quantity,
        to_price_id=change.price.stripe_id,
        to_quantity=change.quantity,
        takes_effect=change.takes_effect,
        effective_at=moment if change.is_immediate else subscription.current_period_end,
        currency=recurring.currency,
        promotion_code_id=code_id,
        by_staff=by_staff,
        prorates=prorates,
        amount_due=0,
        recurring_amount=recurring.total,
        lines=[],
        created_at=moment,
        expires_at=moment + VALID_FOR,
    )
    if charged_now:
        quote.proration_date = moment
        due = preview(quote, subscription, named, quantity)
        quote.amount_due = due.amount_due
        quote.lines = [asdict(line) for line in lines_of(due)]
    db.session.add(quote)
    db.session.commit()
    return quote


def _recurring(
    subscription: Subscription, change: Change, period_end: datetime, code_id: str | None
) -> gateway.Preview:
    """What a whole period costs after the change, in place of whatever is scheduled."""
    item = subscription.item
    assert item is not None
    quantity = billed_quantity(change.price, change.quantity)
    held = subscription.schedule
    if held is None or not held.is_live:
        named = changed_price(subscription, change.price)
        return gateway.preview_recurring(
            subscription.stripe_id,
            item_id=item.stripe_id,
            price_id=named,
            quantity=quantity,
            discounts=promotion_codes.discounts(subscription, code_id),
        )
    following = schedules.NextPhase(
        from_price_id=item.price_id,
        to_price_id=coming.price_at(subscription, change.price.stripe_id, period_end),
        quantity=quantity,
        interval=change.cadence.interval,
        interval_count=change.cadence.count,
        starts_at=int(period_end.timestamp()),
        promotion_code=code_id,
    )
    return schedules.preview_recurring(held.stripe_id, following)


def preview(
    quote: Quote, subscription: Subscription, price_id: str | None, quantity: int | None
) -> gateway.Preview:
    """What the quoted change would charge if it were made at the quote's own moment."""
    assert quote.proration_date is not None
    assert subscription.item is not None
    with _in_our_words(quote.promotion_code_id):
        return gateway.preview(
            quote.subscription_id,
            item_id=subscription.item.stripe_id,
            price_id=price_id,
            quantity=quantity,
            proration_date=quote.proration_date,
            discounts=promotion_codes.discounts(subscription, quote.promotion_code_id),
        )


@contextmanager
def _in_our_words(code_id: str | None) -> Iterator[None]:
    """Why Stripe refuses to preview a change, such as an archived price, is told to developers.

    With a promotion code it is mostly the code, over since it was typed: then CodeRefused, and the
    mirror knows about the code.
    """
    try:
        yield
    except InvalidRequest as error:
        if code_id is not None:
            promotion_codes.pull(code_id)
            raise promotion_codes.CodeRefused from error
        raise NotToBeHad from error


def changed_price(subscription: Subscription, price: Price) -> str | None:
    """The price to name to Stripe; None when it stays, for it may be one no longer sold."""
    item = subscription.item
    return None if item and item.price_id == price.stripe_id else price.stripe_id


def find(quote_id: str | None, *, account_id: int) -> Quote:
    """The account's quote of that id; QuoteNotUsable when there is none."""
    quote = db.session.get(Quote, quote_id) if quote_id else None
    if quote is None or quote.account_id != account_id:
        raise QuoteNotUsable
    return quote


def lines(quote: Quote) -> list[Line]:
    """The quote's lines, which add up to its amount due."""
    return [Line(**line) for line in quote.lines]


def renews_on(quote: Quote, subscription: Subscription) -> datetime | None:
    """When the recurring amount is charged for the first time after the change."""
    if quote.takes_effect != TAKES_EFFECT_NOW:
        return quote.effective_at
    ends = [line.end for line in lines(quote) if line.kind in {"rest", "period"} and line.end]
    if ends:
        return from_unix(max(ends))
    return subscription.trial_end if subscription.is_trialing else subscription.current_period_end


def lines_of(invoice: gateway.Preview) -> list[Line]:
    """The invoice's lines, then discounts, tax and balance, adding up to its `amount_due`."""
    found = [_line(line) for line in invoice.lines.data]
    # A preview carries its first lines only; what they leave of the subtotal is one line more.
    rest = invoice.subtotal - sum(line.amount for line in found)
    if rest:
        found.append(Line("other", rest))
    discount = sum(entry.amount for entry in invoice.total_discount_amounts or [])
    if discount:
        found.append(Line("discount", -discount))
    tax = invoice.total - (invoice.subtotal - discount)
    if tax:
        found.append(Line("tax", tax))
    included = sum(t.amount for t in invoice.total_taxes or [] if t.tax_behavior == "inclusive")
    if included:
        found.append(Line("tax_included", included))
    left = invoice.amount_due - invoice.total
    if left:
        found.append(Line("kept" if invoice.total < 0 else "balance", left))
    return found


def _line(line: gateway.PreviewLine) -> Line:
    price = _price(line)
    plan = price.product if price else None
    if not _is_proration(line):
        kind = "period" if plan else "other"
    else:
        kind = "unused" if line.amount < 0 else "rest"
    return Line(
        kind=kind,
        amount=line.amount,
        name=plan.name if plan else line.description or "",
        quantity=line.quantity,
        per_seat=bool(plan and plan.is_per_seat),
        start=line.period.start,
        end=line.period.end,
    )


def _price(line: gateway.PreviewLine) -> Price | None:
    details = line.pricing.price_details if line.pricing else None
    if details is None:
        return None
    reference: Any = details.price
    return db.session.get(Price, reference if isinstance(reference, str) else reference.id)


def _is_proration(line: gateway.PreviewLine) -> bool:
    if line.parent is None:
        return False
    of_item = line.parent.subscription_item_details
    of_entry = line.parent.invoice_item_details
    return bool((of_item and of_item.proration) or (of_entry and of_entry.proration))

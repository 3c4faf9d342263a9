"""What an account will be charged next, when and why: from the mirror alone, never a wrong figure.

Invoices that are made already come first in time with what their subscriptions will bill; the
customer's balance is used up from one to the next, as Stripe applies it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import select

from billing.clock import from_unix
from billing.money import minimum_charge
from billing.renewals import Bill, BilledItem, Reason, bills, is_awaiting_renewal
from models import Customer, Invoice, PaymentMethod, Price, Subscription, db

MOST = 12


@dataclass(frozen=True)
class UpcomingCharge:
    """A charge to come. `amount` is minor units, None when the mirror cannot tell.

    `is_exact` is False when the amount may come out a little different ("about"), `is_at_most`
    when it is the most it can be, `plus_tax` when tax comes on top. `invoice` is the one that is
    made already. `credit_used` of the customer's credit is taken off it.
    """

    on: datetime
    amount: int | None
    currency: str
    is_exact: bool
    plus_tax: bool
    method: PaymentMethod | None
    is_invoiced: bool
    days_until_due: int | None
    credit_used: int = 0
    is_at_most: bool = False
    subscription: Subscription | None = None
    invoice: Invoice | None = None
    items: tuple[BilledItem, ...] = ()
    reasons: tuple[Reason, ...] = ()

    @property
    def is_nothing(self) -> bool:
        return self.amount == 0 and self.is_exact and not self.plus_tax

    @property
    def is_method_expired(self) -> bool:
        """Whether the card that is to pay can no longer be charged on that day."""
        last = self.method.expires_on if self.method else None
        return last is not None and last < self.on.date()


def upcoming_charges(
    customer_id: str | None, now: datetime, balance_change: int = 0
) -> list[UpcomingCharge]:
    """The customer's next charges after `now` in order, at most twelve.

    `balance_change`, minor units of the customer's currency, is added to the balance first: what
    would be charged if it were changed so.
    """
    return list(islice(_charges(customer_id, now, balance_change), MOST))


def is_awaiting_news(subscription: Subscription, now: datetime) -> bool:
    """Whether a renewal or a charge was due, and the mirror has not heard how it went."""
    return is_awaiting_renewal(subscription, now) or any(
        one.subscription_id == subscription.stripe_id and _charged_on(one) <= now
        for one in _made(subscription.customer_id)
    )


@dataclass(frozen=True)
class _Expected:
    """A bill, with whose it is and the invoice where that is made already."""

    bill: Bill
    currency: str
    subscription: Subscription | None
    invoice: Invoice | None = None


def _charges(
    customer_id: str | None, now: datetime, balance_change: int
) -> Iterator[UpcomingCharge]:
    customer = db.session.get(Customer, customer_id) if customer_id else None
    if customer is None or customer.deleted_at is not None:
        return
    found = {
        one.stripe_id: one
        for one in db.session.scalars(
            select(Subscription).where(
                Subscription.customer_id == customer_id, Subscription.deleted_at.is_(None)
            )
        )
    }
    courses = [_expected(one, now) for one in found.values() if one.is_live]
    made = sorted(_made(customer.stripe_id), key=_charged_on)
    courses.append(_made_already(one, found) for one in made if _charged_on(one) > now)
    balance = _Balance(customer, balance_change)
    for each in heapq.merge(*courses, key=lambda each: each.bill.on):
        yield balance.charge(each)


def _expected(subscription: Subscription, now: datetime) -> Iterator[_Expected]:
    for bill in bills(subscription, now):
        yield _Expected(bill, subscription.currency, subscription)


def _made(customer_id: str) -> list[Invoice]:
    """The invoices that Stripe is going to charge by itself: drafts, and those it tries again."""
    found = db.session.scalars(
        select(Invoice).where(
            Invoice.customer_id == customer_id,
            Invoice.status.in_(("draft", "open")),
            Invoice.deleted_at.is_(None),
        )
    )
    return [one for one in found if one.data.get("auto_advance") and _is_coming(one)]


def _is_coming(invoice: Invoice) -> bool:
    if invoice.status == "draft":
        return invoice.created is not None
    return invoice.next_payment_attempt is not None and invoice.can_be_paid


def _charged_on(invoice: Invoice) -> datetime:
    """When Stripe charges it; a draft about an hour after it was made."""
    if invoice.status == "open" and invoice.next_payment_attempt is not None:
        return invoice.next_payment_attempt
    assert invoice.created is not None
    finalizes = from_unix(invoice.data.get("automatically_finalizes_at"))
    return finalizes or invoice.created + timedelta(hours=1)


def _made_already(invoice: Invoice, found: Mapping[str, Subscription]) -> _Expected:
    subscription = found.get(invoice.subscription_id or "")
    is_draft = invoice.status == "draft"
    if subscription is None:
        reason = Reason("one_off")
    else:
        reason = Reason("prepared" if is_draft or not invoice.attempt_count else "retry")
    items = tuple(
        BilledItem(db.session.get(Price, line.price_id), line.quantity, line.amount)
        for line in invoice.lines
        if line.price_id and not line.is_proration
    )
    total = invoice.total if is_draft else invoice.amount_remaining
    bill = Bill(_charged_on(invoice), items, total, True, False, False, (reason,), ())
    return _Expected(bill, invoice.currency, subscription, invoice)


@dataclass(frozen=True)
class _Taken:
    """What is to be paid of a bill once the balance is taken, and what to say of it."""

    amount: int | None
    credit: int = 0
    notes: tuple[Reason, ...] = ()
    is_exact: bool = True
    is_at_most: bool = False


class _Balance:
    """The customer's balance as one charge after the other takes of it; credit is negative.

    Source: Stripe's docs, "Customer credit balance".
    """

    def __init__(self, customer: Customer, change: int):
        self.customer = customer
        self.amounts = {customer.currency: customer.balance + change}
        # Currencies whose balance may be a little different, and those where it may be anything.
        self.rough: set[str] = set()
        self.unknown: set[str] = set()

    def charge(self, each: _Expected) -> UpcomingCharge:
        bill, subscription, invoice = each.bill, each.subscription, each.invoice
        taken = _Taken(bill.total)
        # Of an open invoice the balance was taken when it was finalized.
        if invoice is None or invoice.status == "draft":
            taken = self._take(bill, each.currency)
        owner = subscription or invoice
        return UpcomingCharge(
            on=bill.on,
            amount=taken.amount,
            currency=each.currency,
            is_exact=bill.is_exact and taken.is_exact,
            plus_tax=bill.plus_tax,
            method=(subscription.payment_method if subscription else None)
            or self.customer.default_payment_method,
            is_invoiced=owner is not None and owner.collection_method == "send_invoice",
            days_until_due=subscription.data.get("days_until_due") if subscription else None,
            credit_used=taken.credit,
            is_at_most=bill.is_at_most or taken.is_at_most,
            subscription=subscription,
            invoice=invoice,
            items=bill.items,
            reasons=(*bill.reasons, *taken.notes),
        )

    def _take(self, bill: Bill, currency: str) -> _Taken:
        before = self.amounts.get(currency, 0)
        if before < 0 and any(reason.kind == "resumed" for reason in bill.reasons):
            # What was billed during the pause may have been paid by credit.
            self.unknown.add(currency)
        if bill.total is None or currency in self.unknown:
            if before:
                self.unknown.add(currency)
            most = None if bill.total is None else bill.total + max(before, 0)
            return _Taken(most, is_at_most=before != 0)
        owed, least = bill.total + before, max(minimum_charge(currency), 1)
        amount = owed if owed >= least else 0
        self.amounts[currency] = after = owed - amount
        if after and (bill.plus_tax or bill.is_at_most):
            self.unknown.add(currency)
        was_rough = currency in self.rough
        if after and not bill.is_exact:
            self.rough.add(currency)
        elif not after:
            self.rough.discard(currency)
        used = min(-before, bill.total) if before < 0 else 0
        notes = []
        if used:
            notes.append(Reason("credit", amount=used, is_last=after >= 0))
        if after < 0 and used:
            notes.append(Reason("credit_left", amount=-after))
        if before > 0:
            notes.append(Reason("owed", amount=before))
        if after > 0:
            notes.append(Reason("too_small", amount=after))
        is_exact = not was_rough and not (bill.plus_tax and after)
        return _Taken(amount, used, tuple(notes), is_exact)

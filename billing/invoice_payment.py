"""Paying an open invoice with a saved method, once however often the button is pressed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from billing import acceptance, sync
from billing.audit import record
from billing.errors import (
    AuthenticationNeeded,
    CardDeclined,
    InvalidRequest,
    Refused,
    StripeBusy,
    StripeUnavailable,
)
from billing.gateway import invoice_payment
from models import AuditEntry, Invoice, PaymentMethod, Subscription, db

STARTED = "invoice.payment_started"


class AlreadyPaid(Refused):
    title = "This invoice is paid"
    message = "It was paid already, so you were not charged again."


class OnItsWay(Refused):
    title = "A payment is on its way"
    message = "A payment for this invoice is on its way already. You were not charged again."


class AmountChanged(Refused):
    title = "The amount has changed"
    message = (
        "The amount due has changed since you opened this page. You were not charged. "
        "Look at it again below."
    )


@dataclass(frozen=True)
class Payment:
    """An invoice after an attempt, its subscription, and that one's status before."""

    invoice: Invoice
    subscription: Subscription | None = None
    status_before: str | None = None

    @property
    def revived(self) -> bool:
        """Whether the subscription that was held up by the invoice runs again."""
        return self._runs and self.status_before in {"past_due", "unpaid"}

    @property
    def started(self) -> bool:
        """Whether it was the first payment of a subscription, which runs now."""
        return self._runs and self.status_before == "incomplete"

    @property
    def _runs(self) -> bool:
        return self.subscription is not None and self.subscription.status == "active"


def pay(invoice: Invoice, method: PaymentMethod, *, shown_amount: int, attempt: str) -> Payment:
    """The invoice after the attempt; a bank debit leaves it open until the money arrives.

    `shown_amount` (minor units) is what the reader agreed to, compared with what Stripe asks for
    now; `attempt` is the token of the form they sent, so that a second press repeats the first.
    The key is stored before Stripe is called. Raises AlreadyPaid, OnItsWay, AmountChanged,
    CardDeclined, AuthenticationNeeded (naming the invoice), StripeBusy when nothing was tried,
    StripeUnavailable when the outcome is not known.
    """
    key = f"pay:{invoice.stripe_id}:{method.stripe_id}:{attempt}"
    _check(_as_it_is_now(invoice, key), shown_amount)
    record(
        STARTED,
        invoice.stripe_id,
        after={
            "amount": shown_amount,
            "currency": invoice.currency,
            "payment_method": method.stripe_id,
            "idempotency_key": key,
        },
    )
    db.session.commit()
    try:
        invoice_payment.pay(
            invoice.stripe_id, payment_method_id=method.stripe_id, idempotency_key=key
        )
    except AuthenticationNeeded:
        look(invoice)
        raise AuthenticationNeeded(invoice_id=invoice.stripe_id) from None
    except CardDeclined:
        look(invoice)
        raise
    except InvalidRequest:
        _refuse_what_is_settled(look(invoice).invoice)
        raise
    return look(invoice)


def methods_tried(invoice: Invoice) -> set[str]:
    """The ids of the methods with which somebody has tried to pay the invoice here."""
    return {attempt["payment_method"] for attempt in _attempts(invoice)}


def look(invoice: Invoice) -> Payment:
    """The invoice as Stripe has it now, and what it pays for.

    A past due subscription is active again, and a waiting change is made, once it is paid.
    """
    before = _subscription_of(invoice)
    status = before.status if before else None
    fresh: Invoice = sync.pull("invoice", invoice.stripe_id)
    if fresh.subscription_id is None:
        return Payment(fresh)
    subscription = acceptance.settle(sync.pull("subscription", fresh.subscription_id))
    return Payment(fresh, subscription, status)


def _subscription_of(invoice: Invoice) -> Subscription | None:
    return (
        db.session.get(Subscription, invoice.subscription_id) if invoice.subscription_id else None
    )


def _as_it_is_now(invoice: Invoice, key: str) -> Invoice:
    """The invoice at Stripe; without an answer nothing was tried, unless it was before."""
    try:
        fresh: Invoice = sync.pull("invoice", invoice.stripe_id)
    except StripeUnavailable as error:
        if any(attempt["idempotency_key"] == key for attempt in _attempts(invoice)):
            raise
        raise StripeBusy from error
    return fresh


def _attempts(invoice: Invoice) -> list[dict[str, Any]]:
    """What was stored of each attempt to pay the invoice here."""
    found = select(AuditEntry.after).where(
        AuditEntry.action == STARTED, AuditEntry.subject == invoice.stripe_id
    )
    return [after for after in db.session.scalars(found) if after]


def _check(invoice: Invoice, shown_amount: int) -> None:
    _refuse_what_is_settled(invoice)
    if not invoice.can_be_paid:
        raise Refused("This invoice cannot be paid any more. You were not charged.")
    if shown_amount != invoice.amount_remaining:
        raise AmountChanged


def _refuse_what_is_settled(invoice: Invoice) -> None:
    if invoice.is_paid:
        raise AlreadyPaid
    if invoice.is_processing:
        raise OnItsWay

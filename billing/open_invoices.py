"""An account's open invoices, and paying them together: each is a charge of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from billing import invoice_payment
from billing.errors import BillingError
from billing.invoice_payment import AlreadyPaid, OnItsWay
from models import Invoice, PaymentMethod, db


@dataclass(frozen=True)
class PaidTogether:
    """What came of paying several: those paid, those on their way, and where it stopped."""

    paid: Sequence[Invoice]
    on_their_way: Sequence[Invoice]
    stopped_at: Invoice | None = None
    stopped_by: BillingError | None = None


def of(customer_id: str | None) -> list[Invoice]:
    """The customer's open invoices with no payment on its way, oldest first."""
    if customer_id is None:
        return []
    found = db.session.scalars(
        select(Invoice)
        .where(
            Invoice.customer_id == customer_id,
            Invoice.status == "open",
            Invoice.amount_remaining > 0,
            Invoice.deleted_at.is_(None),
        )
        .order_by(Invoice.created, Invoice.stripe_id)
    )
    return [invoice for invoice in found if invoice.can_be_paid]


def total(invoices: Sequence[Invoice]) -> int | None:
    """What is left to pay in all, in minor units; None when it is of several currencies."""
    if len({invoice.currency for invoice in invoices}) != 1:
        return None
    return sum(invoice.amount_remaining for invoice in invoices)


def pay_all(
    shown: Sequence[tuple[Invoice, int]], method: PaymentMethod, *, attempt: str
) -> PaidTogether:
    """Pays the invoices in the given order, each as `invoice_payment.pay` does.

    `shown` are the invoices with the amounts (minor units) that the reader agreed to. The first
    that is refused ends it: what comes after it is not charged.
    """
    paid: list[Invoice] = []
    on_their_way: list[Invoice] = []
    for invoice, amount in shown:
        try:
            after = invoice_payment.pay(invoice, method, shown_amount=amount, attempt=attempt)
            (paid if after.invoice.is_paid else on_their_way).append(after.invoice)
        except AlreadyPaid:
            paid.append(invoice)
        except OnItsWay:
            on_their_way.append(invoice)
        except BillingError as error:
            return PaidTogether(paid, on_their_way, invoice, error)
    return PaidTogether(paid, on_their_way)

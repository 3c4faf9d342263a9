"""An account's open invoices, and paying them together: each is a charge of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from billing import invoice_payment, owed
from billing.errors import BillingError
from billing.invoice_payment import AlreadyPaid, OnItsWay
from models import Invoice, PaymentMethod


@dataclass(frozen=True)
class PaidTogether:
    """What came of paying several: those paid, those on their way, and where it stopped."""

    paid: Sequence[Invoice]
    on_their_way: Sequence[Invoice]
    stopped_at: Invoice | None = None
    stopped_by: BillingError | None = None


def of(customer_id: str | None) -> list[Invoice]:
    """What the customer has to pay, oldest first."""
    return owed.invoices(customer_id)


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

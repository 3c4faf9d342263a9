"""Invoices, read, with all their lines and payments and the coupons behind their discounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import stripe

from billing.gateway.client import translated, v1
from billing.gateway.listing import PAGE, complete

if TYPE_CHECKING:
    from stripe.params import InvoiceListParams


def retrieve(invoice_id: str) -> stripe.Invoice:
    """The invoice as it is now; GoneFromStripe when there is none, as after deleting a draft."""
    with translated():
        return _whole(
            v1().invoices.retrieve(invoice_id, {"expand": ["payments", "discounts.source.coupon"]})
        )


def page(*, starting_after: str | None = None) -> stripe.ListObject[stripe.Invoice]:
    """A page of all invoices, newest first."""
    params: InvoiceListParams = {
        "limit": PAGE,
        "expand": ["data.payments", "data.discounts.source.coupon"],
    }
    if starting_after:
        params["starting_after"] = starting_after
    with translated():
        found = v1().invoices.list(params)
        for invoice in found.data:
            _whole(invoice)
    return found


def paid_by(payment_intent_id: str) -> list[str]:
    """The ids of the invoices that a payment intent pays or tries to pay, mostly one or none."""
    with translated():
        found = v1().invoice_payments.list(
            {
                "payment": {"type": "payment_intent", "payment_intent": payment_intent_id},
                "limit": PAGE,
            }
        )
    paid = [each.invoice for each in found.data]
    return [one if isinstance(one, str) else one.id for one in paid]


def _whole(invoice: stripe.Invoice) -> stripe.Invoice:
    complete(invoice.lines)
    if invoice.payments is not None:
        complete(invoice.payments)
    return invoice

"""Invoices, read, with all their lines and payments and the coupons behind their discounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import stripe

from billing.gateway.client import translated, v1
from billing.gateway.listing import PAGE, complete

if TYPE_CHECKING:
    from stripe.params import InvoiceListParams

AWAITING_PAYMENT = {"open", "uncollectible"}


def retrieve(invoice_id: str) -> stripe.Invoice:
    """The invoice as it is now; GoneFromStripe when there is none, as after deleting a draft.

    Beside the id of each payment's intent stand `payment_intent_status`, which alone tells a bank
    debit on its way and a bank that waits to be answered from a refused payment, and
    `payment_intent_error`, what the bank said last: code, decline_code, advice_code, message and
    the id of the payment_method that was refused.
    """
    expand = ["payments.data.payment.payment_intent", "discounts.source.coupon"]
    with translated():
        return _told(_whole(v1().invoices.retrieve(invoice_id, {"expand": expand})))


def page(*, starting_after: str | None = None) -> stripe.ListObject[stripe.Invoice]:
    """A page of all invoices, newest first.

    An intent would be a fifth level to expand, so those that may wait for a payment are fetched
    again by themselves.
    """
    params: InvoiceListParams = {
        "limit": PAGE,
        "expand": ["data.payments", "data.discounts.source.coupon"],
    }
    if starting_after:
        params["starting_after"] = starting_after
    with translated():
        found = v1().invoices.list(params)
        found.data = [
            retrieve(one.id) if one.status in AWAITING_PAYMENT else _whole(one)
            for one in found.data
        ]
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


def _told(invoice: stripe.Invoice) -> stripe.Invoice:
    """The invoice with its intents by id again, so that none of their secrets is kept."""
    for each in invoice.payments.data if invoice.payments else []:
        intent = each.payment.payment_intent if "payment_intent" in each.payment else None
        if isinstance(intent, stripe.PaymentIntent):
            each.payment["payment_intent_status"] = intent.status
            each.payment["payment_intent_error"] = _reduced(intent.last_payment_error)
            each.payment["payment_intent"] = intent.id
    return invoice


def _reduced(error: stripe.PaymentIntent.LastPaymentError | None) -> dict[str, Any] | None:
    """What the bank said, without the secrets and card data that stand beside it."""
    if error is None:
        return None
    told = error.to_dict(for_json=True)
    method = told.get("payment_method") or {}
    names = ("code", "decline_code", "advice_code", "message")
    return {name: told.get(name) for name in names} | {"payment_method": method.get("id")}


def _whole(invoice: stripe.Invoice) -> stripe.Invoice:
    complete(invoice.lines)
    if invoice.payments is not None:
        complete(invoice.payments)
    return invoice

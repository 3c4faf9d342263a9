"""Charging an open invoice to a saved payment method, while the customer is not there."""

from __future__ import annotations

from collections.abc import Sequence

from billing import left_of_invoice, staff_actions, sync
from billing.gateway import invoice_payment as gateway
from billing.staff_actions import Kind, State
from models import Invoice, PaymentMethod, StaffAction


def methods(invoice: Invoice) -> Sequence[PaymentMethod]:
    """What the customer has saved, their default first."""
    customer = invoice.customer
    if customer is None:
        return []
    default = customer.default_payment_method_id
    return sorted(customer.payment_methods, key=lambda method: method.stripe_id != default)


def _do(action: StaffAction, key: str) -> State:
    gateway.pay(
        action.subject,
        payment_method_id=action.params["payment_method"],
        idempotency_key=key,
        off_session=True,
    )
    return _find(action) or {"status": "open"}


def _find(action: StaffAction) -> State | None:
    invoice: Invoice = sync.pull("invoice", action.subject)
    if invoice.is_processing:
        return {"status": "processing"}
    return {"status": "paid"} if invoice.is_paid else None


CHARGE = staff_actions.register(
    Kind(
        name="charge",
        audit="invoice.charged",
        refresh=lambda action: left_of_invoice.refresh(action.subject),
        state=left_of_invoice.state,
        do=_do,
        find=_find,
    )
)

"""The kinds of objects the mirror holds, and how each is fetched and read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from billing.gateway import (
    coupons,
    credit_notes,
    customers,
    invoices,
    payment_intents,
    payment_methods,
    prices,
    products,
    promotion_codes,
    refunds,
    subscription_schedules,
    subscriptions,
)
from billing.sync import (
    coupon,
    credit_note,
    customer,
    invoice,
    payment_intent,
    payment_method,
    price,
    product,
    promotion_code,
    refund,
    subscription,
    subscription_schedule,
)
from billing.sync.fields import Data, References
from models import MIRRORED, CreditNoteRefund, InvoiceLine, InvoicePayment, SubscriptionItem


@dataclass(frozen=True)
class Children:
    """Rows that are rewritten with their parent: a nested list of Stripe's."""

    attribute: str
    model: Any
    columns: Callable[[Data], Data]
    # Each with its `id`, in their order, out of the parent's JSON.
    found_in: Callable[[Data], list[Data]]


@dataclass(frozen=True)
class Kind:
    """One kind of object: its table, where it is fetched, how its JSON fills the columns."""

    model: Any
    gateway: ModuleType  # has `retrieve(id)` and, where all are listed, `page(starting_after=...)`
    columns: Callable[[Data], Data]
    refers_to: Callable[[Data], References]
    children: tuple[Children, ...] = ()
    # Kinds with a `customer_id` whose objects end when this one is deleted.
    ends_with_it: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Stripe's name of the kind."""
        return next(name for name, model in MIRRORED.items() if model is self.model)


def listed_under(field: str) -> Callable[[Data], list[Data]]:
    """What a nested list of Stripe's holds."""

    def found(data: Data) -> list[Data]:
        each: list[Data] = data[field]["data"]
        return each

    return found


KINDS: dict[str, Kind] = {
    "product": Kind(MIRRORED["product"], products, product.columns, product.refers_to),
    "price": Kind(MIRRORED["price"], prices, price.columns, price.refers_to),
    "customer": Kind(
        MIRRORED["customer"],
        customers,
        customer.columns,
        customer.refers_to,
        ends_with_it=("subscription", "subscription_schedule", "payment_method"),
    ),
    "payment_method": Kind(
        MIRRORED["payment_method"],
        payment_methods,
        payment_method.columns,
        payment_method.refers_to,
    ),
    "subscription": Kind(
        MIRRORED["subscription"],
        subscriptions,
        subscription.columns,
        subscription.refers_to,
        children=(
            Children("items", SubscriptionItem, subscription.item_columns, listed_under("items")),
        ),
    ),
    "subscription_schedule": Kind(
        MIRRORED["subscription_schedule"],
        subscription_schedules,
        subscription_schedule.columns,
        subscription_schedule.refers_to,
    ),
    "invoice": Kind(
        MIRRORED["invoice"],
        invoices,
        invoice.columns,
        invoice.refers_to,
        children=(
            Children("lines", InvoiceLine, invoice.line_columns, listed_under("lines")),
            Children("payments", InvoicePayment, invoice.payment_columns, invoice.payments),
        ),
    ),
    "promotion_code": Kind(
        MIRRORED["promotion_code"],
        promotion_codes,
        promotion_code.columns,
        promotion_code.refers_to,
    ),
    "refund": Kind(MIRRORED["refund"], refunds, refund.columns, refund.refers_to),
    "credit_note": Kind(
        MIRRORED["credit_note"],
        credit_notes,
        credit_note.columns,
        credit_note.refers_to,
        children=(
            Children("refunds", CreditNoteRefund, credit_note.refund_columns, credit_note.refunds),
        ),
    ),
    "payment_intent": Kind(
        MIRRORED["payment_intent"],
        payment_intents,
        payment_intent.columns,
        payment_intent.refers_to,
    ),
    "coupon": Kind(MIRRORED["coupon"], coupons, coupon.columns, coupon.refers_to),
}

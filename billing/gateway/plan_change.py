"""Changing what a subscription is for: asking what it costs, doing it, taking it back."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal, cast

import stripe

from billing.gateway.client import translated, v1

if TYPE_CHECKING:
    from stripe.params import (
        InvoiceCreatePreviewParams,
        InvoiceCreatePreviewParamsDiscount,
        InvoiceCreatePreviewParamsSubscriptionDetailsItem,
        SubscriptionUpdateParams,
        SubscriptionUpdateParamsDiscount,
        SubscriptionUpdateParamsItem,
    )

# Stripe's types under the names that callers know them by.
Preview = stripe.Invoice
PreviewLine = stripe.InvoiceLineItem
Changed = stripe.Subscription
# Discounts by id, and a promotion code to redeem; None leaves a subscription's as they are.
Discounts = list[dict[str, str]] | None

# Somebody waits for the page, which has something to say without a quote too.
ASKED_ONCE: stripe.RequestOptions = {"max_network_retries": 0}

PaymentBehavior = Literal["error_if_incomplete", "pending_if_incomplete"]


def preview(
    subscription_id: str,
    *,
    item_id: str,
    price_id: str | None,
    quantity: int | None,
    proration_date: datetime,
    discounts: Discounts = None,
) -> Preview:
    """The invoice that the change would make if it were made at `proration_date`.

    `price_id` is None when only the quantity changes: Stripe refuses an archived price that is
    named, though a subscription may keep it. `quantity` is None for metered prices.
    """
    params: InvoiceCreatePreviewParams = {
        "subscription": subscription_id,
        "subscription_details": {
            "items": [_preview_item(item_id, price_id, quantity)],
            "proration_behavior": "always_invoice",
            "proration_date": int(proration_date.timestamp()),
        },
    }
    if discounts is not None:
        params["discounts"] = cast("list[InvoiceCreatePreviewParamsDiscount]", discounts)
    with translated():
        return v1().invoices.create_preview(params, ASKED_ONCE)


def preview_recurring(
    subscription_id: str,
    *,
    item_id: str,
    price_id: str | None,
    quantity: int | None,
    discounts: Discounts = None,
) -> Preview:
    """What one whole period costs after the change, with its discounts and tax."""
    params: InvoiceCreatePreviewParams = {
        "subscription": subscription_id,
        "preview_mode": "recurring",
        "subscription_details": {
            "items": [_preview_item(item_id, price_id, quantity)],
            "proration_behavior": "none",
        },
    }
    if discounts is not None:
        params["discounts"] = cast("list[InvoiceCreatePreviewParamsDiscount]", discounts)
    with translated():
        return v1().invoices.create_preview(params, ASKED_ONCE)


def update(
    subscription_id: str,
    *,
    item_id: str,
    price_id: str | None,
    quantity: int | None,
    proration_date: datetime | None,
    payment_behavior: PaymentBehavior,
    idempotency_key: str,
    discounts: Discounts = None,
    off_session: bool = False,
) -> Changed:
    """The subscription after the change; the difference is invoiced and charged at once.

    `off_session` says that the payer is not there, as when staff do it.

    With `error_if_incomplete` a payment that does not succeed raises CardDeclined or
    AuthenticationNeeded and changes nothing. With `pending_if_incomplete` Stripe keeps the change
    as `pending_update` beside an open invoice, and makes it when that is paid (Stripe's docs,
    "Pending updates"). Without a `proration_date` nothing is prorated and nothing charged.
    """
    params: SubscriptionUpdateParams = {
        "items": [_item(item_id, price_id, quantity)],
        "payment_behavior": payment_behavior,
        "proration_behavior": "none" if proration_date is None else "always_invoice",
    }
    if proration_date is not None:
        params["proration_date"] = int(proration_date.timestamp())
    if discounts is not None:
        params["discounts"] = cast("list[SubscriptionUpdateParamsDiscount]", discounts)
    if off_session:
        params["off_session"] = True
    with translated():
        return v1().subscriptions.update(
            subscription_id, params, {"idempotency_key": idempotency_key}
        )


def discard(invoice_id: str) -> stripe.Invoice:
    """The open invoice of a pending update, void now; Stripe forgets the update with it.

    InvalidRequest when it was paid in the meantime.
    """
    with translated():
        return v1().invoices.void_invoice(invoice_id)


def _item(item_id: str, price_id: str | None, quantity: int | None) -> SubscriptionUpdateParamsItem:
    item: SubscriptionUpdateParamsItem = {"id": item_id}
    if price_id is not None:
        item["price"] = price_id
    if quantity is not None:
        item["quantity"] = quantity
    return item


def _preview_item(
    item_id: str, price_id: str | None, quantity: int | None
) -> InvoiceCreatePreviewParamsSubscriptionDetailsItem:
    item: InvoiceCreatePreviewParamsSubscriptionDetailsItem = {"id": item_id}
    if price_id is not None:
        item["price"] = price_id
    if quantity is not None:
        item["quantity"] = quantity
    return item

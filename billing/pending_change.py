"""A change of plan or seats that Stripe makes once its invoice is paid (a pending update)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from models import Invoice, Price, Product, Quote, Subscription, db


@dataclass(frozen=True)
class PendingChange:
    """What waits for its payment, on which subscription."""

    subscription: Subscription
    target: Price | None

    @property
    def new_plan(self) -> Product | None:
        """The plan it leads to, when that is another one; None for seats, or when unknown."""
        plan = self.target.product if self.target else None
        held = self.subscription.plan
        return plan if plan and not (held and held.stripe_id == plan.stripe_id) else None


def of(subscription: Subscription | None) -> PendingChange | None:
    """The change that waits on a live subscription, or None."""
    if subscription is None or not subscription.is_live:
        return None
    pending = subscription.data.get("pending_update")
    if not pending or subscription.latest_invoice_id is None:
        return None
    items = pending.get("subscription_items") or []
    reference = items[0]["price"] if items else None
    price_id = reference["id"] if isinstance(reference, dict) else reference
    return PendingChange(subscription, db.session.get(Price, price_id) if price_id else None)


def paid_by(invoice: Invoice) -> PendingChange | None:
    """The change that waits for this invoice, or None."""
    if invoice.subscription_id is None:
        return None
    subscription = db.session.get(Subscription, invoice.subscription_id)
    if subscription is None or subscription.latest_invoice_id != invoice.stripe_id:
        return None
    return of(subscription)


def was_paid_by(invoice: Invoice) -> bool:
    """Whether the paid invoice is of a change made here, and not simply a period's last."""
    found = select(Quote.id).where(Quote.invoice_id == invoice.stripe_id).limit(1)
    return invoice.is_paid and db.session.scalar(found) is not None

"""What a customer still owes: open invoices, and those given up that hold a subscription back."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import aliased

from models import Invoice, Subscription, db

# Stripe's statuses of a subscription with a payment that failed.
FAILED = frozenset({"past_due", "unpaid"})


def invoices(customer_id: str | None) -> list[Invoice]:
    """The customer's invoices to be paid, oldest first; not those with a payment on its way."""
    if customer_id is None:
        return []
    found = _unpaid(Invoice.customer_id == customer_id)
    return [invoice for invoice in found if invoice.can_be_paid]


def of_subscription(subscription: Subscription) -> list[Invoice]:
    """The subscription's invoices that are not paid, oldest first, a payment on its way or not."""
    return _unpaid(Invoice.subscription_id == subscription.stripe_id)


def _unpaid(whose: ColumnElement[bool]) -> list[Invoice]:
    """Open ones; of those marked uncollectible the ones since which nothing was paid.

    What was forgiven before a later payment is over. Stripe's settings for failed payments can
    mark an invoice so and leave its subscription past due or unpaid: paying it brings that back.
    """
    later = aliased(Invoice)
    newest_paid = (
        select(func.max(later.created))
        .where(later.subscription_id == Invoice.subscription_id, later.status == "paid")
        .scalar_subquery()
    )
    held_back = select(Subscription.stripe_id).where(Subscription.status.in_(FAILED))
    given_up = and_(
        Invoice.status == "uncollectible",
        Invoice.subscription_id.in_(held_back),
        or_(newest_paid.is_(None), Invoice.created > newest_paid),
    )
    return list(
        db.session.scalars(
            select(Invoice)
            .where(
                whose,
                or_(Invoice.status == "open", given_up),
                Invoice.amount_remaining > 0,
                Invoice.deleted_at.is_(None),
            )
            .order_by(Invoice.created, Invoice.stripe_id)
        )
    )

"""An account's page for staff: everything it shows, in as few questions as that takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select, type_coerce
from sqlalchemy.orm import joinedload

from billing import access_grants, access_history, coupon_application, customer_rows, purchases
from billing.access import Decision
from billing.coupon_application import Held
from billing.price_changes import coming
from billing.price_changes.coming import ComingPrice
from billing.standing import Standing, standing
from models import (
    AccessDecision,
    AccessGrant,
    Account,
    Customer,
    Invoice,
    Membership,
    PaymentMethod,
    Purchase,
    Subscription,
    UtcDateTime,
    db,
)

INVOICES = 5
DECISIONS = 5


@dataclass(frozen=True)
class CustomerPage:
    """The account and what belongs to it. Lists are the newest first."""

    account: Account
    standing: Standing
    subscriptions: Sequence[Subscription]
    invoices: Sequence[Invoice]
    has_more_invoices: bool
    methods: Sequence[PaymentMethod]
    purchases: Sequence[Purchase]
    grants: Sequence[AccessGrant]
    decisions: Sequence[AccessDecision]
    monthly: tuple[tuple[int, str], ...]
    # The new price that the live subscription is moved to, not yet begun.
    coming: ComingPrice | None

    def discounts(self, subscription: Subscription) -> list[Held]:
        """What a coupon takes off the subscription."""
        return coupon_application.held(subscription)

    @property
    def access(self) -> Decision:
        return self.standing.access

    @property
    def customer(self) -> Customer | None:
        return self.account.customer

    @property
    def is_customer_gone(self) -> bool:
        return self.customer is not None and self.customer.deleted_at is not None


def find(account_number: int) -> Account | None:
    """The account with its customer and its people, asked for at once."""
    return db.session.scalar(
        select(Account)
        .options(
            joinedload(Account.customer),
            joinedload(Account.memberships).joinedload(Membership.user),
        )
        .where(Account.id == account_number)
        .execution_options(populate_existing=True)
    )


def of(account: Account, now: datetime) -> CustomerPage:
    """Everything the page shows, from the mirror and our own tables."""
    customer_id = account.stripe_customer_id
    held: list[Subscription] = []
    found: Sequence[Invoice] = []
    methods: Sequence[PaymentMethod] = []
    if customer_id is not None:
        # Asked for first, with all that hangs on them: whoever asks again finds them loaded.
        held = customer_rows.subscriptions([customer_id]).get(customer_id, [])
        found = db.session.scalars(invoices(customer_id).limit(INVOICES + 1)).all()
        methods = db.session.scalars(
            select(PaymentMethod)
            .where(PaymentMethod.customer_id == customer_id, PaymentMethod.deleted_at.is_(None))
            .order_by(PaymentMethod.created.desc(), PaymentMethod.stripe_id)
        ).all()
    stands = standing(account, now)
    return CustomerPage(
        account=account,
        standing=stands,
        subscriptions=sorted(held, key=lambda each: not each.is_live),
        invoices=found[:INVOICES],
        has_more_invoices=len(found) > INVOICES,
        methods=methods,
        purchases=purchases.of(account),
        grants=access_grants.not_over(account),
        decisions=access_history.of(account, limit=DECISIONS),
        monthly=customer_rows.monthly(held, now),
        coming=coming.of(stands.subscription, now),
    )


def invoices(customer_id: str) -> Select[tuple[Invoice]]:
    """A customer's invoices, drafts too, the newest first, to be paged."""
    # Only those that have it are asked for; the pager warns of a column that may have none.
    created = type_coerce(Invoice.created, UtcDateTime())
    return (
        select(Invoice)
        .where(
            Invoice.customer_id == customer_id,
            Invoice.created.is_not(None),
            Invoice.deleted_at.is_(None),
        )
        .order_by(created.desc(), Invoice.stripe_id.desc())
    )

"""An account's customer at Stripe, made when it is first needed."""

from __future__ import annotations

from sqlalchemy import update

from billing import sync
from billing.gateway import customers
from models import Account, db


def of(account: Account, *, email: str | None = None) -> str:
    """The id of the account's one Stripe customer, created at Stripe if there is none yet.

    Two requests at once get the same customer, because the idempotency key is the account's.
    Raises what Stripe's refusal becomes (billing.errors).
    """
    if account.stripe_customer_id is None:
        created = customers.create(
            name=account.name,
            email=email,
            account_id=str(account.id),
            # The moment tells apart accounts of two databases that share a Stripe account.
            idempotency_key=f"customer-{account.id}-{account.created_at:%Y%m%dT%H%M%S%f}",
        )
        db.session.execute(
            update(Account)
            .where(Account.id == account.id, Account.stripe_customer_id.is_(None))
            .values(stripe_customer_id=created.id)
        )
        db.session.commit()
        db.session.refresh(account)
        sync.pull("customer", created.id)
    customer_id = account.stripe_customer_id
    assert customer_id is not None
    return customer_id

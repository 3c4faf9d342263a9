"""An account's customer at Stripe, made when it is first needed."""

from __future__ import annotations

from sqlalchemy import update

from billing import sync
from billing.gateway import customers
from models import Account, Customer, db


def of(account: Account, *, email: str | None = None) -> str:
    """The id of the account's one Stripe customer, created at Stripe if there is none.

    One that was deleted at Stripe is replaced. Two requests at once get the same customer,
    because the idempotency key is the account's and what is sent with it never differs; name and
    `email` are told in a second step. Raises what Stripe's refusal becomes (billing.errors).
    """
    held = account.stripe_customer_id
    if held is None or _is_deleted(held):
        created = customers.create(
            account_id=str(account.id),
            # The moment tells apart accounts of two databases that share a Stripe account.
            idempotency_key=f"customer-{account.id}-{account.created_at:%Y%m%dT%H%M%S%f}-{held}",
        )
        customers.introduce(created.id, name=account.name, email=email)
        db.session.execute(
            update(Account)
            .where(Account.id == account.id, Account.stripe_customer_id.is_not_distinct_from(held))
            .values(stripe_customer_id=created.id)
        )
        db.session.commit()
        sync.pull("customer", created.id)
        db.session.refresh(account)
    customer_id = account.stripe_customer_id
    assert customer_id is not None
    return customer_id


def _is_deleted(customer_id: str) -> bool:
    # One whose making was cut off before it was pulled is not in the mirror yet.
    row = db.session.get(Customer, customer_id) or sync.pull("customer", customer_id)
    return row.deleted_at is not None

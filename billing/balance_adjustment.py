"""Changing a customer's balance by hand: credit for the next invoices, or a debt on them."""

from __future__ import annotations

from billing import staff_actions, sync
from billing.gateway import customer_balance as gateway
from billing.staff_actions import MADE_BY, Kind, State
from models import Account, Customer, StaffAction, db


def currency_of(account: Account) -> str | None:
    """The currency of the balance: the customer's, which their first invoice decides."""
    if account.customer is not None and account.customer.currency:
        return account.customer.currency
    return account.subscription.currency if account.subscription else None


def state(customer_id: str) -> State:
    customer = db.session.get_one(Customer, customer_id)
    return {
        "balance": customer.balance,
        "currency": customer.currency,
        "deleted": customer.deleted_at is not None,
    }


def _do(action: StaffAction, key: str) -> State:
    made = gateway.adjust(
        action.subject,
        amount=action.params["amount"],
        currency=action.params["currency"],
        description=action.params["reason"],
        metadata={MADE_BY: action.id},
        idempotency_key=key,
    )
    return {"transaction": made.id, "balance": made.ending_balance}


def _find(action: StaffAction) -> State | None:
    found = gateway.made_for(action.subject, MADE_BY, action.id)
    return {"transaction": found.id, "balance": found.ending_balance} if found else None


ADJUSTMENT = staff_actions.register(
    Kind(
        name="balance",
        audit="customer.balance_adjusted",
        refresh=lambda action: sync.pull("customer", action.subject),
        state=state,
        do=_do,
        find=_find,
    )
)

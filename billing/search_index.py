"""What accounts are found by, kept up to date: with each write of the mirror and of our own tables.

Everything here is made from other tables and can be made again: `flask billing index-accounts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import delete, event, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from billing import sync
from billing.payment_references import note as note_references
from billing.search_words import address_terms, terms
from models import (
    ENDED_STATUSES,
    Account,
    Customer,
    CustomerTerm,
    Invoice,
    Membership,
    PaymentMethod,
    Price,
    SearchTerm,
    Subscription,
    SubscriptionItem,
    User,
    db,
)

INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
# Stripe's statuses of an invoice that a refused payment leaves to be paid.
OWED = ("open", "uncollectible")
FAILED = "failed:payment"
FAILED_STATUSES = ("past_due", "unpaid")
# What of an invoice the facets rest on.
TELLING = ("status", "attempt_count", "customer_id")

Terms = dict[Any, set[str]]


def status_term(status: str) -> str:
    return f"status:{status}"


def plan_term(product_id: str) -> str:
    return f"plan:{product_id}"[:100]


def price_term(price_id: str) -> str:
    return f"price:{price_id}"[:100]


def plan_status_term(product_id: str, status: str) -> str:
    """One subscription in this plan and this status, where an account has several."""
    return f"plan+status:{status}:{product_id}"[:100]


def refresh(account_ids: Iterable[int]) -> None:
    """Makes the accounts' terms what they are to be; joins the current transaction."""
    wanted = set(account_ids)
    if wanted:
        _replace(SearchTerm, "account_id", wanted, _of_accounts(wanted))


def refresh_customers(customer_ids: Iterable[str]) -> None:
    """The same for customers by their ids: those of an account are found by it alone."""
    wanted = set(customer_ids)
    if not wanted:
        return
    linked = {
        customer_id: account_id
        for account_id, customer_id in _rows(
            select(Account.id, Account.stripe_customer_id).where(
                Account.stripe_customer_id.in_(wanted)
            )
        )
    }
    refresh(linked.values())
    found: Terms = {}
    alone = wanted - linked.keys()
    if alone:
        for stripe_id, name, email in _rows(
            select(Customer.stripe_id, Customer.name, Customer.email).where(
                Customer.stripe_id.in_(alone), Customer.deleted_at.is_(None)
            )
        ):
            found[stripe_id] = terms(name) | address_terms(email)
    _replace(CustomerTerm, "customer_id", wanted, found)


@sync.observer
def follow_mirror(written: sync.Written) -> None:
    """Brings up to date what the written object is found by, and whose it is."""
    row, before = written.row, written.before
    note_references(written.kind, row)
    if written.kind == "price":
        # A subscription may be written before the price it names is known.
        refresh_customers(_customers_paying(row.stripe_id) if written.is_new else ())
        return
    if written.kind not in {"customer", "subscription", "invoice", "payment_method"}:
        return
    column = "stripe_id" if written.kind == "customer" else "customer_id"
    if written.kind == "invoice" and all(getattr(row, n) == before.get(n) for n in TELLING):
        return
    # A new one tells something only if its payment was refused and is still owed.
    if (
        written.kind == "invoice"
        and written.is_new
        and not (row.attempt_count and row.status in OWED)
    ):
        return
    # A detached payment method names no customer any more.
    refresh_customers({each for each in (getattr(row, column), before.get(column)) if each})


@event.listens_for(Session, "after_flush")
def follow_people(session: Session, _context: Any) -> None:
    """Brings up to date the accounts that were opened, renamed, linked, joined or left."""
    accounts: set[int] = set()
    customers: set[str] = set()
    users: set[int] = set()
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, Account) and _changed(row, "name", "stripe_customer_id"):
            accounts.add(row.id)
            customers |= {each for each in _values(row, "stripe_customer_id") if each}
        elif isinstance(row, Membership) and (row in session.deleted or _changed(row, "user_id")):
            accounts |= {each for each in _values(row, "account_id") if each}
        elif isinstance(row, User) and _changed(row, "name", "email"):
            users.add(row.id)
    if users:
        found = select(Membership.account_id).where(Membership.user_id.in_(users))
        accounts |= set(db.session.scalars(found))
    refresh(accounts)
    refresh_customers(customers)


def _changed(row: Any, *names: str) -> bool:
    return any(inspect(row).attrs[name].history.has_changes() for name in names)


def _values(row: Any, name: str) -> set[Any]:
    """The column's value before the flush and after it."""
    history = inspect(row).attrs[name].history
    return {*(history.added or ()), *(history.unchanged or ()), *(history.deleted or ())}


def _customers_paying(price_id: str) -> set[str]:
    found = (
        select(Subscription.customer_id)
        .join(SubscriptionItem, SubscriptionItem.subscription_id == Subscription.stripe_id)
        .where(SubscriptionItem.price_id == price_id)
        .limit(1000)
    )
    return set(db.session.scalars(found))


def _rows(statement: Any) -> Sequence[Any]:
    return db.session.execute(statement).all()


def _of_accounts(ids: set[int]) -> Terms:
    """Every term of these accounts, from the tables as they are now."""
    found: Terms = {}
    owner: dict[str, int] = {}
    for account_id, name, customer_id in _rows(
        select(Account.id, Account.name, Account.stripe_customer_id).where(Account.id.in_(ids))
    ):
        found[account_id] = terms(name)
        if customer_id is not None:
            owner[customer_id] = account_id
    for account_id, name, email in _rows(
        select(Membership.account_id, User.name, User.email)
        .join(User, User.id == Membership.user_id)
        .where(Membership.account_id.in_(found))
    ):
        found[account_id] |= terms(name) | address_terms(email)
    of_customers = _of_customers(set(owner))
    for customer_id, account_id in owner.items():
        found[account_id] |= of_customers.get(customer_id, set())
    for account_id, held in found.items():
        if not any(term.startswith("status:") for term in held):
            found[account_id].add(status_term("none"))
    return found


def _of_customers(ids: set[str]) -> Terms:
    found: Terms = {customer_id: set() for customer_id in ids}
    if not ids:
        return found
    for customer_id, name, email in _rows(
        select(Customer.stripe_id, Customer.name, Customer.email).where(Customer.stripe_id.in_(ids))
    ):
        found[customer_id] |= terms(name) | address_terms(email)
    for customer_id, last4 in _rows(
        select(PaymentMethod.customer_id, PaymentMethod.last4).where(
            PaymentMethod.customer_id.in_(ids),
            PaymentMethod.last4.is_not(None),
            PaymentMethod.deleted_at.is_(None),
        )
    ):
        found[customer_id] |= terms(last4)
    for customer_id in _owing(ids):
        found[customer_id].add(FAILED)
    for customer_id, facets in _facets(ids).items():
        found[customer_id] |= facets
    return found


def _owing(ids: set[str]) -> set[str]:
    """The customers with an invoice to be paid that a payment was refused for."""
    found = select(Invoice.customer_id).where(
        Invoice.customer_id.in_(ids),
        Invoice.status.in_(OWED),
        Invoice.attempt_count > 0,
        Invoice.amount_remaining > 0,
        Invoice.deleted_at.is_(None),
    )
    return set(db.session.scalars(found))


def _facets(ids: set[str]) -> Terms:
    """Status and plan of every subscription that is not over; the latest one's where all are."""
    subscriptions: dict[str, list[tuple[str, str]]] = {}
    for customer_id, stripe_id, status in _rows(
        select(Subscription.customer_id, Subscription.stripe_id, Subscription.status)
        .where(Subscription.customer_id.in_(ids), Subscription.deleted_at.is_(None))
        .order_by(Subscription.created.desc(), Subscription.stripe_id.desc())
    ):
        subscriptions.setdefault(customer_id, []).append((stripe_id, status))
    shown: dict[str, tuple[str, str]] = {}
    for customer_id, all_of_them in subscriptions.items():
        live = [each for each in all_of_them if each[1] not in ENDED_STATUSES]
        for stripe_id, status in live or all_of_them[:1]:
            shown[stripe_id] = (customer_id, status)
    found: Terms = {}
    for customer_id, status in shown.values():
        held = found.setdefault(customer_id, set())
        held.add(status_term(status))
        if status in FAILED_STATUSES:
            held.add(FAILED)
    for subscription_id, price_id, product_id in _rows(
        select(SubscriptionItem.subscription_id, SubscriptionItem.price_id, Price.product_id)
        .outerjoin(Price, Price.stripe_id == SubscriptionItem.price_id)
        .where(SubscriptionItem.subscription_id.in_(shown))
    ):
        customer_id, status = shown[subscription_id]
        if status not in ENDED_STATUSES:
            found[customer_id].add(price_term(price_id))
        if product_id is not None:
            found[customer_id] |= {plan_term(product_id), plan_status_term(product_id, status)}
    return found


def _replace(model: Any, key: str, ids: set[Any], wanted: Terms) -> None:
    """Adds the terms that are missing and removes those that are too many."""
    column = getattr(model, key)
    held: Terms = {}
    for owner, term in _rows(select(column, model.term).where(column.in_(ids))):
        held.setdefault(owner, set()).add(term)
    added = [
        {key: owner, "term": term}
        for owner, each in wanted.items()
        for term in sorted(each - held.get(owner, set()))
    ]
    if added:
        # Two transactions may find the same word missing.
        insert = INSERT[db.engine.dialect.name](model).on_conflict_do_nothing()
        db.session.execute(insert, added)
    for owner, each in held.items():
        gone = each - wanted.get(owner, set())
        if gone:
            db.session.execute(
                delete(model)
                .where(column == owner, model.term.in_(gone))
                .execution_options(synchronize_session=False)
            )

"""Finding accounts: by words of names, mail, ids of Stripe's, invoice numbers, four digits.

Lists come by key from an index of terms (`billing.search_index`). Nothing is counted, and nothing
is looked through but what begins as the search does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, not_, select
from sqlalchemy.orm import aliased

from billing import payment_references, search_words
from billing.search_index import FAILED, plan_status_term, plan_term, price_term, status_term
from models import (
    Account,
    CheckoutIntent,
    CreditNote,
    Customer,
    CustomerTerm,
    Invoice,
    InvoiceLine,
    PaymentIntent,
    PaymentMethod,
    Price,
    Product,
    Refund,
    SearchTerm,
    Subscription,
    SubscriptionItem,
    SubscriptionSchedule,
    WebhookEvent,
    db,
)

LONGEST = 200
# Each word costs a look into the index for each hit of the first.
MOST_WORDS = 6
AN_ID = re.compile(r"[a-z]+(_[a-z]+)*_[A-Za-z0-9_]+")
AN_ACCOUNT = re.compile(r"#([0-9]{1,9})")
# The customer's column of what is found by its id directly.
BY_CUSTOMER = {
    "sub_sched_": SubscriptionSchedule,
    "sub_": Subscription,
    "in_": Invoice,
    "cn_": CreditNote,
    "pi_": PaymentIntent,
    "pm_": PaymentMethod,
    "card_": PaymentMethod,
    "src_": PaymentMethod,
    "ba_": PaymentMethod,
}


@dataclass(frozen=True)
class Search:
    """What is asked for: words, and facets that narrow them or stand alone."""

    text: str = ""
    status: str = ""
    plan: str = ""
    price: str = ""
    failed: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.text or self.status or self.plan or self.price or self.failed)

    @property
    def is_narrowed(self) -> bool:
        return bool(self.status or self.plan or self.price or self.failed)

    @property
    def beginnings(self) -> list[str]:
        """What terms are to begin with, the longest first, since it finds the fewest."""
        found: list[str] = []
        for part in self.text[:LONGEST].split():
            # An address is one term; it is also found by its words.
            found += [search_words.address_term(part)] if "@" in part else search_words.words(part)
        return sorted(dict.fromkeys(found), key=len, reverse=True)[:MOST_WORDS]

    @property
    def facets(self) -> list[str]:
        """The terms an account must have, the rarest first."""
        found = [FAILED] if self.failed else []
        if self.price:
            found.append(price_term(self.price))
        if self.plan and self.status:
            found.append(plan_status_term(self.plan, self.status))
        elif self.plan or self.status:
            found.append(plan_term(self.plan) if self.plan else status_term(self.status))
        return found


@dataclass(frozen=True)
class Direct:
    """What an exact id or number names: an account, a customer without one, or a price or plan.

    `accounts` has several where an invoice number is not one account's alone.
    """

    accounts: Sequence[Account] = ()
    customer: Customer | None = None
    price: Price | None = None
    plan: Product | None = None


def looks_like_an_id(text: str) -> bool:
    return AN_ID.fullmatch(text) is not None


def direct(text: str) -> Direct | None:
    """What the exact id or number names; None when it is none that is known here."""
    number = AN_ACCOUNT.fullmatch(text)
    if number:
        account = db.session.get(Account, int(number[1])) if int(number[1]) < 2**31 else None
        return Direct([account]) if account else None
    if not text or len(text) > LONGEST or any(each.isspace() for each in text):
        return None
    if not looks_like_an_id(text):
        return _by_invoice_number(text)
    session_of = select(CheckoutIntent).where(CheckoutIntent.session_id == text)
    attempt = db.session.scalar(session_of) if text.startswith("cs_") else None
    if attempt is not None:
        return Direct([attempt.account])
    customer_id = _customer_of(text)
    if customer_id is not None:
        return _of_customer(customer_id)
    if text.startswith("price_"):
        price = db.session.get(Price, text)
        return Direct(price=price) if price else None
    # Whoever runs the portal chooses the ids of products.
    plan = db.session.get(Product, text)
    return Direct(plan=plan) if plan else _by_invoice_number(text)


def accounts(search: Search) -> Select[Any]:
    """The accounts that match, to be paged: by the word that matched, else the newest first."""
    beginnings, facets = search.beginnings, search.facets
    if not beginnings and not facets:
        return select(Account).order_by(Account.id.desc())
    lead = aliased(SearchTerm)
    # An expression of the term's side, so that no database begins with the accounts and looks
    # through all of them, whatever it thinks of the sizes of tables.
    statement = select(Account).join(lead, Account.id == lead.account_id + 0)
    if beginnings:
        first, after = search_words.range_of(beginnings[0])
        statement = statement.where(lead.term >= first, lead.term < after)
        statement = statement.where(_is_first(SearchTerm, "account_id", lead, first))
        statement = statement.order_by(lead.term, lead.account_id)
        beginnings = beginnings[1:]
    else:
        statement = statement.where(lead.term == facets[0]).order_by(lead.account_id.desc())
        facets = facets[1:]
    for beginning in beginnings:
        statement = statement.where(_has(SearchTerm, "account_id", lead, beginning))
    for facet in facets:
        other = aliased(SearchTerm)
        statement = statement.where(
            exists().where(other.account_id == lead.account_id, other.term == facet)
        )
    return statement


def customers_alone(search: Search, at_most: int = 10) -> Sequence[Customer]:
    """Customers of Stripe's without an account here that the words find."""
    beginnings = search.beginnings
    if not beginnings or search.is_narrowed:
        return []
    lead = aliased(CustomerTerm)
    first, after = search_words.range_of(beginnings[0])
    found = (
        select(lead.customer_id)
        .where(lead.term >= first, lead.term < after)
        .where(_is_first(CustomerTerm, "customer_id", lead, first))
        .order_by(lead.term, lead.customer_id)
        .limit(at_most)
    )
    for beginning in beginnings[1:]:
        found = found.where(_has(CustomerTerm, "customer_id", lead, beginning))
    ids = db.session.scalars(found).all()
    if not ids:
        return []
    rows = db.session.scalars(select(Customer).where(Customer.stripe_id.in_(ids))).all()
    return sorted(rows, key=lambda row: ids.index(row.stripe_id))


def _is_first(model: Any, key: str, lead: Any, first: str) -> ColumnElement[bool]:
    """Of several words of one owner that begin so, the first stands for all."""
    other = aliased(model)
    same = getattr(other, key) == getattr(lead, key)
    return not_(exists().where(and_(same, other.term >= first, other.term < lead.term)))


def _has(model: Any, key: str, lead: Any, beginning: str) -> ColumnElement[bool]:
    other = aliased(model)
    first, after = search_words.range_of(beginning)
    same = getattr(other, key) == getattr(lead, key)
    return exists().where(and_(same, other.term >= first, other.term < after))


def _by_invoice_number(text: str) -> Direct | None:
    found = db.session.scalars(
        select(Invoice.customer_id)
        .where(Invoice.number.in_({text, text.upper()}), Invoice.deleted_at.is_(None))
        .limit(100)
    ).all()
    if not found:
        return None
    linked = db.session.scalars(
        select(Account).where(Account.stripe_customer_id.in_(set(found))).order_by(Account.id)
    ).all()
    return Direct(linked) if linked else _of_customer(found[0])


def _of_customer(customer_id: str) -> Direct | None:
    account = db.session.scalar(select(Account).where(Account.stripe_customer_id == customer_id))
    if account is not None:
        return Direct([account])
    customer = db.session.get(Customer, customer_id)
    return Direct(customer=customer) if customer is not None else None


def _customer_of(stripe_id: str) -> str | None:
    """Whose the object is; None when it is nobody's, or not known here."""
    if stripe_id.startswith("cus_"):
        return stripe_id
    if stripe_id.startswith("evt_"):
        return _one(WebhookEvent.customer_id, WebhookEvent.stripe_id == stripe_id)
    if stripe_id.startswith("si_"):
        parent = _one(SubscriptionItem.subscription_id, SubscriptionItem.stripe_id == stripe_id)
        return _one(Subscription.customer_id, Subscription.stripe_id == parent) if parent else None
    if stripe_id.startswith("il_"):
        parent = _one(InvoiceLine.invoice_id, InvoiceLine.stripe_id == stripe_id)
        return _one(Invoice.customer_id, Invoice.stripe_id == parent) if parent else None
    if stripe_id.startswith(("re_", "pyr_")):
        parent = _one(Refund.payment_intent_id, Refund.stripe_id == stripe_id)
        return _customer_of(parent) if parent else None
    for prefix, kind in BY_CUSTOMER.items():
        if stripe_id.startswith(prefix):
            found = _one(kind.customer_id, kind.stripe_id == stripe_id)
            if found is not None:
                return found
            break
    reference = payment_references.find(stripe_id)
    if reference is not None:
        return reference.customer_id
    # What the mirror does not hold, such as a charge, a webhook may have told of.
    return _one(
        WebhookEvent.customer_id,
        and_(WebhookEvent.object_id == stripe_id, WebhookEvent.customer_id.is_not(None)),
    )


def _one(column: Any, condition: Any) -> str | None:
    found: str | None = db.session.scalar(select(column).where(condition).limit(1))
    return found

"""What accounts are found by, made anew from everything else, in pieces that each stand alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select, update

from billing import payment_references, search_index
from billing.webhook_customer import customer_of
from models import Account, Customer, Invoice, PaymentIntent, WebhookEvent, db

BATCH = 500


@dataclass
class Rebuilt:
    """How many of each were looked at, or for webhooks how many got their customer."""

    accounts: int = 0
    customers: int = 0
    payments: int = 0
    events: int = 0


def rebuild(say: Callable[[str], None] = lambda line: None) -> Rebuilt:
    """Goes through accounts, customers without one, payments and webhooks; commits each piece.

    It can be stopped and run again at any time, and beside a portal at work.
    """
    done = Rebuilt()
    for ids in _batches(select(Account.id), Account.id):
        search_index.refresh(ids)
        done.accounts += _kept(ids)
    say(f"{done.accounts} accounts")
    alone = (
        select(Customer.stripe_id)
        .outerjoin(Account, Account.stripe_customer_id == Customer.stripe_id)
        .where(Account.id.is_(None))
    )
    for names in _batches(alone, Customer.stripe_id):
        search_index.refresh_customers(names)
        done.customers += _kept(names)
    kinds: tuple[tuple[str, Any], ...] = (("invoice", Invoice), ("payment_intent", PaymentIntent))
    for kind, model in kinds:
        for names in _batches(select(model.stripe_id), model.stripe_id):
            for row in db.session.scalars(select(model).where(model.stripe_id.in_(names))):
                payment_references.note(kind, row)
            done.payments += _kept(names)
        say(f"{done.payments} payments")
    unknown = select(WebhookEvent.id).where(WebhookEvent.customer_id.is_(None))
    for ids in _batches(unknown, WebhookEvent.id):
        done.events += _name_customers(ids)
        _kept(ids)
    return done


def _name_customers(ids: Sequence[int]) -> int:
    """Says whose these webhooks are, as far as it can be told; of how many it could."""
    named = 0
    for event in db.session.scalars(select(WebhookEvent).where(WebhookEvent.id.in_(ids))).all():
        customer_id = customer_of(event.payload)
        if customer_id is not None:
            db.session.execute(
                update(WebhookEvent)
                .where(WebhookEvent.id == event.id)
                .values(customer_id=customer_id)
            )
            named += 1
    return named


def _batches(keys: Select[Any], key: Any) -> Iterator[Sequence[Any]]:
    """The keys in their order, so many at a time, each piece asked for after the one before."""
    found = db.session.scalars(keys.order_by(key).limit(BATCH)).all()
    while found:
        yield found
        found = db.session.scalars(keys.where(key > found[-1]).order_by(key).limit(BATCH)).all()


def _kept(piece: Sequence[Any]) -> int:
    db.session.commit()
    db.session.expunge_all()
    return len(piece)

"""An account with everything that an address or a form can name, and another beside it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from billing import sync
from models import Account, Invitation, Invoice, PaymentMethod, db
from tests.conftest import Browser
from tests.mailbox import open_mailbox


@dataclass(frozen=True)
class Things:
    """One real thing of each kind, of one account, and its owner's client."""

    owner: Browser
    account: int
    invoice: str
    payment_method: str
    membership: int
    invitation: int
    tax_id: str
    purchase: str


@pytest.fixture
def things(app, people, stripe, subscribe):
    """Makes an account with everything that an address or a form can name."""
    open_mailbox(app)

    def make(account, domain):
        owner = people.owner(f"owner@{domain}", account)
        people.join(f"viewer@{domain}", account, "viewer")
        owner.post("/invitations", data={"email": f"invited@{domain}", "role": "viewer"})
        subscribe(account)
        price = stripe.v1.prices.list({"lookup_keys": ["demo_credits"]}).data[0].id
        begun = owner.post(
            f"/purchases/new/{price}",
            data={"quantity": "1", "amount": "2000", "attempt": f"attempt-of-{account}"},
        )
        with app.app_context():
            row = db.session.query(Account).filter_by(name=account).one()
            customer = row.stripe_customer_id
            vat = {"type": "eu_vat", "value": "DE123456789"}
            tax_id = stripe.v1.customers.tax_ids.create(customer, vat)
            sync.pull("customer", customer)
            return Things(
                owner=owner,
                account=row.id,
                invoice=db.session.query(Invoice).filter_by(customer_id=customer).one().stripe_id,
                payment_method=db.session.query(PaymentMethod)
                .filter_by(customer_id=customer)
                .one()
                .stripe_id,
                membership=next(m.id for m in row.memberships if m.role == "viewer"),
                invitation=db.session.query(Invitation).filter_by(account_id=row.id).one().id,
                tax_id=tax_id.id,
                purchase=begun.headers["Location"].rsplit("/", 1)[-1],
            )

    return make


@pytest.fixture
def ours(things):
    return things("Northwind", "northwind.example")


@pytest.fixture
def theirs(things):
    return things("Evil", "evil.example")

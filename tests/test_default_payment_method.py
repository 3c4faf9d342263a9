"""Which saved method everything is charged to."""

from __future__ import annotations

import re

import pytest

from billing import sync
from billing.errors import StripeBusy
from billing.gateway import default_payment_method as gateway
from models import AuditEntry, Customer, Subscription, db


@pytest.fixture
def mastercard(app, owner, stripe, customer_id):
    """A second saved card, which is not the default."""
    made = stripe.v1.payment_methods.attach("pm_card_mastercard", {"customer": customer_id})
    with app.app_context():
        sync.pull("payment_method", made.id)
    return made.id


def pin(app, stripe, customer_id):
    """Gives the subscription its present card as its own, as Checkout does."""
    visa = stripe.v1.customers.retrieve(customer_id).invoice_settings.default_payment_method
    subscription = stripe.v1.subscriptions.list({"customer": customer_id}).data[0]
    stripe.v1.subscriptions.update(subscription.id, {"default_payment_method": visa})
    with app.app_context():
        sync.pull("subscription", subscription.id)
    return subscription.id


def text_of(answer):
    return re.sub(r"\s+", " ", answer.get_data(as_text=True))


def test_making_a_card_default_charges_the_customer_to_it(
    app, owner, stripe, customer_id, mastercard
):
    answer = owner.post("/default-payment-method", data={"payment_method": mastercard})
    assert (answer.status_code, answer.location) == (303, "/payment-methods")
    customer = stripe.v1.customers.retrieve(customer_id)
    assert customer.invoice_settings.default_payment_method == mastercard
    with app.app_context():
        assert db.session.query(Subscription).one().payment_method.stripe_id == mastercard
        entry = db.session.query(AuditEntry).filter_by(action="payment_method.made_default").one()
        assert entry.subject == mastercard


def test_a_subscription_with_a_card_of_its_own_moves_too_and_the_page_says_so(
    app, owner, stripe, customer_id, mastercard
):
    subscription = pin(app, stripe, customer_id)
    assert "Also moves Team, monthly, which has" in text_of(owner.get("/payment-methods"))
    owner.post("/default-payment-method", data={"payment_method": mastercard})
    found = stripe.v1.subscriptions.retrieve(subscription)
    assert found.default_payment_method == mastercard
    page = text_of(owner.get("/payment-methods"))
    assert "That includes Team, which had a payment method of its own." in page


def test_nothing_is_charged_by_changing_the_default(owner, stripe, customer_id, mastercard):
    before = len(stripe.v1.charges.list({"customer": customer_id}).data)
    owner.post("/default-payment-method", data={"payment_method": mastercard})
    assert len(stripe.v1.charges.list({"customer": customer_id}).data) == before


def test_when_stripe_is_down_the_default_stays(app, owner, mastercard, stripe_is_down):
    stripe_is_down()
    answer = owner.post("/default-payment-method", data={"payment_method": mastercard})
    assert answer.status_code == 503
    with app.app_context():
        assert db.session.query(Customer).one().default_payment_method_id != mastercard


def test_a_subscription_that_could_not_be_moved_is_told_and_can_be_moved_again(
    app, owner, stripe, customer_id, mastercard, monkeypatch
):
    subscription = pin(app, stripe, customer_id)

    def busy(subscription_id, payment_method_id):
        raise StripeBusy

    with monkeypatch.context() as patched:
        patched.setattr(gateway, "set_for_subscription", busy)
        answer = owner.post("/default-payment-method", data={"payment_method": mastercard})
    assert answer.status_code == 409
    assert "still uses its old payment method" in text_of(answer)
    with app.app_context():
        assert db.session.query(Customer).one().default_payment_method_id == mastercard
    assert "Use for everything" in text_of(owner.get("/payment-methods"))
    owner.post("/default-payment-method", data={"payment_method": mastercard})
    assert stripe.v1.subscriptions.retrieve(subscription).default_payment_method == mastercard


def test_a_viewer_cannot_change_it(owner, people, mastercard):
    people.join("vera@northwind.example", role="viewer")
    viewer = people.sign_in("vera@northwind.example")
    answer = viewer.post("/default-payment-method", data={"payment_method": mastercard})
    assert answer.status_code == 403


def test_an_unknown_or_missing_method_is_not_found(owner):
    for data in ({"payment_method": "pm_unknown"}, {}):
        assert owner.post("/default-payment-method", data=data).status_code == 404

"""To Stripe's hosted portal and back."""

from __future__ import annotations

import re

import pytest

from models import Account, Customer, PaymentMethod, Subscription, db


def sessions(stripe_calls):
    """What was asked of Stripe to open a session, each as form data."""
    return [c.request.body for c in stripe_calls if "/billing_portal/sessions" in c.request.url]


def text_of(answer):
    return re.sub(r"\s+", " ", answer.get_data(as_text=True))


def test_the_button_leads_to_a_session_of_this_customer(owner, customer_id, stripe_calls):
    answer = owner.post("/hosted-portal")
    assert answer.status_code == 303
    assert answer.location.startswith("http://127.0.0.1:8001/")
    (sent,) = sessions(stripe_calls)
    assert f"customer={customer_id}" in sent
    assert "return_url=http%3A%2F%2F127.0.0.1%3A8000%2Fhosted-portal%2Freturn" in sent


@pytest.mark.parametrize(
    "flow",
    ["payment_method_update", "customer_update", "subscription_cancel", "subscription_update"],
)
def test_a_flow_leads_straight_to_its_task(app, owner, flow, stripe_calls):
    app.test_cli_runner().invoke(args=["billing", "stripe-setup"])
    assert owner.post("/hosted-portal", data={"flow": flow}).status_code == 303
    (sent,) = sessions(stripe_calls)
    assert flow in sent
    assert "configuration=bpc_" in sent


def test_a_task_that_is_switched_off_at_stripe_leads_to_the_portals_front_page(owner, stripe_calls):
    answer = owner.post("/hosted-portal", data={"flow": "subscription_update"})
    assert answer.status_code == 303
    first, second = sessions(stripe_calls)
    assert "subscription_update" in first
    assert "flow_data" not in second


def test_an_unknown_flow_opens_nothing(owner, stripe_calls):
    before = len(stripe_calls)
    assert owner.post("/hosted-portal", data={"flow": "evil"}).status_code == 400
    assert len(stripe_calls) == before


def test_where_it_leads_back_to_cannot_be_chosen_from_outside(owner, stripe_calls):
    data = {"return_url": "https://evil.example", "next": "https://evil.example"}
    owner.post("/hosted-portal?return_url=https://evil.example", data=data)
    assert "evil" not in sessions(stripe_calls)[0]
    back = owner.get("/hosted-portal/return?next=https://evil.example")
    assert back.location == "/"


def test_it_is_no_link(owner):
    assert owner.get("/hosted-portal").status_code == 405


def test_an_account_without_a_customer_gets_one(app, people):
    assert people.owner().post("/hosted-portal").status_code == 303
    with app.app_context():
        assert db.session.query(Account).one().stripe_customer_id


def test_cancelling_without_a_subscription_says_that_there_is_none(people):
    answer = people.owner().post("/hosted-portal", data={"flow": "subscription_cancel"})
    assert answer.status_code == 409
    assert "no subscription" in text_of(answer)


def test_what_was_changed_there_shows_at_once(app, owner, stripe, customer_id):
    with app.app_context():
        old = db.session.query(PaymentMethod).one().stripe_id
        subscription = db.session.query(Subscription).one().stripe_id
    new = stripe.v1.payment_methods.attach("pm_card_mastercard", {"customer": customer_id})
    stripe.v1.customers.update(
        customer_id, {"name": "Renamed", "invoice_settings": {"default_payment_method": new.id}}
    )
    stripe.v1.payment_methods.detach(old)
    stripe.v1.subscriptions.update(subscription, {"cancel_at_period_end": True})
    answer = owner.get("/hosted-portal/return")
    assert (answer.status_code, answer.location) == (303, "/")
    with app.app_context():
        customer = db.session.query(Customer).one()
        assert (customer.name, customer.default_payment_method_id) == ("Renamed", new.id)
        assert [method.stripe_id for method in customer.payment_methods] == [new.id]
        assert db.session.get(Subscription, subscription).is_ending


def test_a_subscription_ended_there_is_ended_here(app, owner, stripe):
    with app.app_context():
        subscription = db.session.query(Subscription).one().stripe_id
    stripe.v1.subscriptions.cancel(subscription)
    owner.get("/hosted-portal/return")
    with app.app_context():
        assert not db.session.get(Subscription, subscription).is_live


def test_coming_back_while_stripe_is_down_still_arrives(owner, stripe_is_down):
    stripe_is_down()
    answer = owner.get("/hosted-portal/return")
    assert (answer.status_code, answer.location) == (303, "/")
    assert "in a moment" in text_of(owner.get("/"))


def test_when_stripe_is_down_the_button_says_so(owner, stripe_is_down):
    stripe_is_down()
    assert owner.post("/hosted-portal").status_code == 503


def test_a_viewer_may_not_go(owner, people):
    people.join("vera@northwind.example", role="viewer")
    viewer = people.sign_in("vera@northwind.example")
    assert viewer.post("/hosted-portal").status_code == 403
    assert viewer.get("/hosted-portal/return").status_code == 403

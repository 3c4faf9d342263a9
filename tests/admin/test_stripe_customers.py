"""A customer of Stripe's without an account here."""

from __future__ import annotations

from billing import sync
from models import Customer, db


def test_its_facts_are_shown_and_that_nobody_can_sign_in_for_it(app, stripe, people):
    customer = stripe.v1.customers.create({"name": "Jane Roe", "email": "jane@roe.example"})
    with app.app_context():
        sync.pull("customer", customer.id)
    staff = people.staff_member("staff@tidewater.example", "finance")
    page = staff.get(f"/admin/stripe-customers/{customer.id}").get_data(as_text=True)
    assert "nobody can sign in for it" in page
    assert "jane@roe.example" in page


def test_one_that_was_deleted_at_stripe_is_said_to_be_so(app, stripe, people):
    customer = stripe.v1.customers.create({"name": "Jane Roe"})
    with app.app_context():
        sync.pull("customer", customer.id)
        stripe.v1.customers.delete(customer.id)
        sync.pull("customer", customer.id)
    staff = people.staff_member("staff@tidewater.example", "support")
    page = staff.get(f"/admin/stripe-customers/{customer.id}").get_data(as_text=True)
    assert "was deleted at Stripe" in page


def test_one_with_an_account_leads_to_the_accounts_page(app, subscribe, people):
    number = people.join("ada@sea.example", "Northwind")
    subscribe()
    staff = people.staff_member("staff@tidewater.example", "support")
    with app.app_context():
        customer = db.session.query(Customer.stripe_id).one()[0]
    answer = staff.get(f"/admin/stripe-customers/{customer}")
    assert answer.headers["Location"] == f"/admin/customers/{number}"


def test_an_unknown_one_is_not_found(people):
    staff = people.staff_member("staff@tidewater.example", "support")
    assert staff.get("/admin/stripe-customers/cus_nobody").status_code == 404

"""Staff's first page: is anything wrong, and what needs a look, by role."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing.clock import now
from models import Invoice, PriceChange, Product, Refund, Subscription, SubscriptionState, db


@pytest.fixture
def company(app, people, subscribe, stripe):
    """Northwind is past due with an open invoice of $49; a refund came back; a price moves."""
    people.join("ada@northwind.example", "Northwind")
    subscription_id = subscribe()
    with app.app_context():
        subscription = db.session.get(Subscription, subscription_id)
        subscription.status = "past_due"
        invoice = db.session.query(Invoice).one()
        invoice.status, invoice.amount_remaining = "open", 4900
        invoice.due_date = now() - timedelta(days=1)
        plan = db.session.query(Product).filter_by(slug="team").one()
        refund = Refund(stripe_id="re_1", amount=1200, currency="usd", status="failed")
        refund.data = {"charge_details": {"customer": subscription.customer_id}}
        refund.created = now() - timedelta(days=2)
        change = PriceChange(
            product_id=plan.stripe_id,
            price_id=plan.default_price_id or "price_1",
            status="moving",
            old_amounts={"usd": 4900},
            new_amounts={"usd": 5400},
            notice_days=30,
            idempotency_key="change_1",
        )
        db.session.add_all([refund, change])
        db.session.commit()


def overview(people, role: str) -> str:
    answer = people.staff_member(f"{role}@tidewater.example", role).get("/admin")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_an_admin_begins_with_whether_billing_is_healthy(people, company):
    page = overview(people, "admin")
    assert "Billing is not healthy: no worker has ever run." in page
    for said in (
        "Start one with celery",
        "Northwind</a>",
        "$49.00",
        "$12.00",
        "Team</a>",
        "Moving",
    ):
        assert said in page
    assert 'action="/admin/customers"' in page


def test_support_begins_with_who_is_in_trouble_and_sees_no_revenue(people, company):
    page = overview(people, "support")
    assert "1 account is in payment trouble." in page
    assert "1 refund came back from the bank." in page
    assert "Northwind</a>" in page
    assert 'name="q"' in page
    for other in ("MRR", "Open invoices", "Billing is", "/admin/health", "Price changes"):
        assert other not in page


def test_finance_begins_with_what_is_overdue_and_sees_no_search(people, company):
    page = overview(people, "finance")
    assert "1 invoice is overdue." in page
    assert "$49.00" in page
    assert "MRR in USD" in page
    assert "/finance/tie-out" in page
    for other in ("Payment trouble", 'name="q"', "Billing is", "/admin/audit"):
        assert other not in page


def test_currencies_are_never_added_up(app, people, company):
    with app.app_context():
        held = db.session.query(SubscriptionState).order_by(SubscriptionState.at.desc()).first()
        columns = {c.key: getattr(held, c.key) for c in SubscriptionState.__table__.columns}
        columns |= {"id": None, "subscription_id": "sub_2", "currency": "eur", "mrr": 3000}
        db.session.add(SubscriptionState(**columns))
        db.session.commit()
    page = overview(people, "finance")
    assert page.index("MRR in EUR") < page.index("€30.00") < page.index("MRR in USD")


def test_a_quiet_day_is_said_to_be_one(people, catalog):
    assert "No account is in payment trouble." in overview(people, "support")
    page = overview(people, "finance")
    assert "Nothing is open." in page
    assert "every invoice is paid" in page


def test_what_staff_did_is_named_with_who_did_it(app, people, catalog):
    admin = people.staff_member("mira@tidewater.example", "admin")
    app.test_cli_runner().invoke(args=["billing", "run-tasks"])
    assert "Nothing within a month." in admin.get("/admin").get_data(as_text=True)
    from models import AuditEntry, User

    with app.app_context():
        mira = db.session.query(User).filter_by(email="mira@tidewater.example").one()
        db.session.add(AuditEntry(at=now(), user=mira, action="plan.published"))
        db.session.commit()
    page = admin.get("/admin").get_data(as_text=True)
    assert "Plan: published</a>" in page
    assert "Nothing within a month." not in page


def test_who_has_several_roles_sees_each_part(app, people, company):
    client = people.staff_member("both@tidewater.example", "support")
    with app.app_context():
        datastore = app.extensions["security"].datastore
        user = datastore.find_user(email="both@tidewater.example")
        datastore.add_role_to_user(user, datastore.find_or_create_role("finance"))
        db.session.commit()
    page = client.get("/admin").get_data(as_text=True)
    for said in ("1 account is in payment trouble.", "Open invoices", "MRR in USD", 'name="q"'):
        assert said in page
